import aws_exec

CONFIG = aws_exec.template('small', memry='4GiB')
