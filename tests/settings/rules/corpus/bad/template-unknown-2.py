from aws_exec import template

CONFIG = template('nightly')
