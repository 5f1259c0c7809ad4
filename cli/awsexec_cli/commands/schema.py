"""`awsexec schema`: print the JSON Schema of awsexec.yaml."""

from __future__ import annotations

import typer

from awsexec_cli.output import Format, write_document

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of awsexec.yaml, for editors.

    Examples:
      awsexec schema > awsexec.schema.json
      # yaml-language-server: $schema=awsexec.schema.json   (first line of awsexec.yaml)
    """
    from aws_exec.settings.file.schema import json_schema  # noqa: PLC0415 - the CLI starts fast

    write_document(json_schema(), Format.JSON)
