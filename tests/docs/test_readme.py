"""README.md: every command exists with its options, and so does every file and page that it names."""

from __future__ import annotations

import re
import shlex

import pytest
import typer.main

from awsexec_cli.app import app
from docs.tables import README
from tests.tree import ROOT, make_targets

TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:shell|console)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
LINES = [
    line.removeprefix("$ ")
    for block in BLOCKS
    for line in re.sub(r"\\\n\s*", "", block).splitlines()
    if not block.startswith("$ ") or line.startswith("$ ")
]
COMMANDS = [words for line in LINES if (words := shlex.split(line, comments=True))]
#: And those within sentences.
INLINE = [shlex.split(code) for code in re.findall(r"`((?:awsexec|make) [^`]+)`", TEXT)]


def of(program):
    return [words[1:] for words in [*COMMANDS, *INLINE] if words[0] == program]


def test_only_these_programs_are_asked_for():
    assert {words[0] for words in COMMANDS} == {"make", "pip", "awsexec", "docker", "aws", "export"}


@pytest.mark.parametrize("words", of("make"), ids=" ".join)
def test_a_make_target_exists(words):
    assert words[0] in make_targets()


@pytest.mark.parametrize("words", of("awsexec"), ids=" ".join)
def test_a_command_of_ours_exists_with_its_options(words):
    command = typer.main.get_command(app)
    context = typer.Context(command)
    while words and not words[0].startswith("-"):
        found = command.get_command(context, words[0]) if hasattr(command, "get_command") else None
        if found is None:
            break
        command, words = found, words[1:]
    context = typer.Context(command, help_option_names=["-h", "--help"])
    options = {
        name for parameter in command.get_params(context) for name in (*parameter.opts, *parameter.secondary_opts)
    }
    assert command.name != "awsexec" or words[0].startswith("-")
    assert {word for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize("words", of("pip"), ids=" ".join)
def test_what_pip_is_to_install_is_this_checkout(words):
    assert words[0] == "install"
    assert re.fullmatch(r"\.(?:\[local\])?", words[1])


def test_files_that_commands_name_are_there():
    named = [word for words in COMMANDS for word in words if word.startswith("config-samples/")]
    assert len(named) == 3
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_parameters_of_the_stacks_exist_and_none_that_is_needed_is_left_out():
    from cfnlint.decode.cfn_yaml import load  # noqa: PLC0415 - half a second that other tests here do not need

    deployed = {
        words[words.index("--template-file") + 1]: words
        for words in of("aws")
        if words[:2] == ["cloudformation", "deploy"]
    }
    assert set(deployed) == {"config-samples/aws/ecs.yaml", "config-samples/aws/batch.yaml"}
    for file, words in deployed.items():
        parameters = load(str(ROOT / file))["Parameters"]
        given = {word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]}
        assert given <= set(parameters)
        assert {name for name, one in parameters.items() if "Default" not in one} <= given


def test_links_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT) if "://" not in link]
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_what_the_readme_exports_is_a_configuration_that_holds(tmp_path):
    from tests.settings.rules.corpus import found_in  # noqa: PLC0415 - only this test needs it

    exported = [words[1] for words in COMMANDS if words[0] == "export"]
    file = tmp_path / "readme.env"
    file.write_text("\n".join(exported) + "\n")
    assert len(exported) > 10
    assert [str(one) for one in found_in(file)] == []
