import aws_exec
from aws_exec import template

SIZE, CHANGES = '4GiB', {}
makers = {'a': template}
makers['a']('no such template')
aws_exec.template('small', memory=SIZE, **CHANGES)
template('small', memory=SIZE)
