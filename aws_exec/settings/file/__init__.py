"""awsexec.yaml: read with positions (`yaml_text`), understood (`reading`), its templates compiled (`templates`).

Start with `discovery`, which finds and reads the file; `in_dags` is `aws_exec.template`. Checks beyond the structure of
the file are in `aws_exec.settings.rules`.
"""

from __future__ import annotations

from aws_exec.settings.file.discovery import find_file, load_file
from aws_exec.settings.file.positions import Complaint, FileError, Located, Position
from aws_exec.settings.file.reading import NO_FILE, AwsexecFile, read_file
from aws_exec.settings.file.templates import TemplateBook

__all__ = [
    "NO_FILE",
    "AwsexecFile",
    "Complaint",
    "FileError",
    "Located",
    "Position",
    "TemplateBook",
    "find_file",
    "load_file",
    "read_file",
]
