"""The runbook's commands, typed as they stand there: in a drill, and each of them once."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import requests

from teal.drills.faults import Faults
from teal.drills.traffic import Traffic
from teal.processes.runtime import LocalRuntime
from teal.wait import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = {part.partition("\n")[0]: part.partition("\n")[2] for part in RUNBOOK.split("\n## ")[1:]}
# Named without what they need, in a sentence.
MENTIONS = {"make switch", "make query"}
# They read what is there already instead of waiting for more.
SHORT = {"make logs": "FOLLOW=0", "make load": "SECONDS=2"}
# It says that something is wrong, which in a drill is so.
STATUS = "make status"
LIMIT_SECONDS = 300


def commands(text):
    """Return the commands in a text, in its order, each once."""
    found = [" ".join(each.split()) for each in re.findall(r"`(make [^`]*)`", text)]
    return [each for each in dict.fromkeys(found) if each not in MENTIONS]


def part_of(section, word):
    """Return the paragraph of a section that begins with a word in bold."""
    return section.partition(f"**{word}")[2].partition("\n**")[0]


def typed(stack, command):
    """Run a command in a shell, as its reader would; return the code and what it said."""
    target = " ".join(command.split()[:2])
    result = subprocess.run(
        ["bash", "-c", f"{command} {SHORT.get(target, '')}"],
        cwd=ROOT,
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    return result.returncode, result.stdout


def message_of(stack, alert, known):
    """Wait for the first new message of an alert, and return it as Slack got it."""

    def new():
        answer = requests.get(f"{stack.settings.url('inbox')}/api/messages", timeout=5).json()
        return [
            message["payload"]["attachments"][0]
            for message in answer["messages"]
            if message["id"] not in known
            and message["payload"]["attachments"][0]["footer"].endswith(f" {alert}")
        ]

    return wait_for(new, what=f"the message of {alert}", seconds=60)[0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("alert", "fault"),
    [
        ("PoolFailover", lambda faults: faults.chaos("blue", mode="error")),
        ("StandbyPoolDown", lambda faults: faults.killed("green")),
        ("AllPoolsDown", lambda faults: faults.killed("blue", "green")),
        ("ExporterDown", lambda faults: faults.killed("exporter")),
        ("FrontDoorDown", lambda faults: faults.killed("nginx")),
    ],
)
def test_a_message_leads_to_what_helps(stack, alert, fault):
    """Its button opens the section; the first look shows the fault; what mends it mends it."""
    known = {message.id for message in stack.clients.inbox.messages()}
    faults = Faults(stack.settings, LocalRuntime(stack.settings))
    with Traffic(f"{stack.settings.front}/", rate=20, seconds=180), fault(faults):
        message = message_of(stack, alert, known)
        buttons = {button["text"]: button["url"] for button in message["actions"]}
        page, _, anchor = buttons[":book: Runbook"].partition("#")
        assert f'id="{anchor}"' in requests.get(page, timeout=5).text
        section = SECTIONS[alert]
        assert anchor == alert.lower()

        first_look = commands(part_of(section, "Look"))
        assert STATUS in first_look
        for command in first_look:
            code, said = typed(stack, command)
            if command == STATUS:
                assert alert in said
            else:
                assert (0, True) == (code, bool(said.strip())), command + said

        mend = commands(part_of(section, "Mend"))
        for command in mend:
            code, said = typed(stack, command)
            assert 0 == code, command + said
        if mend:
            wait_for(
                lambda: alert not in {each.name for each in stack.clients.prometheus.alerts()},
                what=f"{alert} to be mended by {mend}",
                seconds=60,
            )


# What changes the stack comes last, and what is stopped is started again.
_LAST = ("make check", "make reload", "make switch", "make maintenance", "make down", "make up")


def _rank(command):
    starts = [rank for rank, start in enumerate(_LAST, 1) if command.startswith(start)]
    return starts[0] if starts else 0


@pytest.mark.long
@pytest.mark.parametrize("command", sorted(commands(RUNBOOK), key=_rank))
def test_a_command_exists_and_does_something(running, command):
    """With exactly the words of the runbook."""
    with Traffic(f"{running.settings.front}/", rate=20, seconds=1) as traffic:
        traffic.wait()

    code, said = typed(running, command)

    # Not all is well while something is wrong, and nothing was ever asked of TLS here.
    assert command == STATUS or 0 == code, said
    assert said.strip()
    if command.startswith("make query"):
        known = re.search(r"Q='(.*)'", command)
        assert known is not None
        assert "(no data)" not in said or "probe_ssl" in command, shlex.quote(said)
