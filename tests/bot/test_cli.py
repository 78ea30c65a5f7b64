"""The command line, as the operator and the authors of the FAQ type it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from telegram.error import InvalidToken
from typer.testing import CliRunner

from bot.app import Kaika
from bot.cli import main
from bot.cli.main import app
from bot.settings import PREFIX, SANDBOX_SETTINGS
from tests.bot_harness import TOKEN

runner = CliRunner()


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIKA_DATA_DIR", str(tmp_path))


def kaika(*arguments: str, stdin: str = "") -> str:
    result = runner.invoke(app, arguments, input=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_search_as_json() -> None:
    found = json.loads(kaika("faq", "search", "--json", "--limit", "2", "PIN碼 locked"))
    assert found["query"] == "PIN碼 locked"
    assert found["language"] == "zh_Hant"
    assert found["confident"] is True
    assert found["results"][0]["id"] == "pin-forgot"
    assert len(found["results"]) == 2


def test_a_question_of_several_words_and_a_negative_number() -> None:
    found = json.loads(kaika("faq", "search", "--json", "how", "much", "is", "it"))
    assert found["results"][0]["id"] == "fee"
    found = json.loads(kaika("faq", "search", "--json", "-2147483647"))
    assert found["results"][0]["id"] == "error-code"


def test_a_question_a_line_and_an_answer_a_line() -> None:
    lines = kaika("faq", "search", "--json", "--stdin", stdin="工本費\n\nhow much\r\n").splitlines()
    assert [json.loads(line)["query"] for line in lines] == ["工本費", "", "how much"]


def test_a_search_as_text() -> None:
    assert "fee" in kaika("faq", "search", "how much")


@pytest.mark.parametrize(
    "arguments",
    [
        ["faq", "search"],
        ["faq", "search", "--stdin", "x"],
        ["faq", "search", "--limit", "0", "x"],
        ["faq", "search", "--limit", "x", "x"],
        ["nonsense"],
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2


def test_bytes_that_are_no_text_are_searched_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli.main", "faq", "search", "--json", "--stdin"],
        input=b"\xff\xfe how much\n",
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["results"]


def test_commands_beside_a_sandbox_work_on_it(tmp_path: Path) -> None:
    assert runner.invoke(app, ["--sandbox", "faq", "votes"]).exit_code != 0  # there is none
    folder = tmp_path / "sandbox"
    folder.mkdir()
    (folder / SANDBOX_SETTINGS).write_text(f"{PREFIX}DATA_DIR={folder}\n")
    kaika("--sandbox", "db", "upgrade")
    assert json.loads(kaika("--sandbox", "faq", "votes", "--json")) == {}
    assert (folder / "kaika.db").exists()
    assert not (tmp_path / "kaika.db").exists()
    for command in ("run", "demo"):
        assert runner.invoke(app, ["--sandbox", command]).exit_code == 2


def test_the_faq_is_in_order() -> None:
    assert "entries are in order" in kaika("faq", "check")


def test_lists_of_an_empty_database() -> None:
    assert json.loads(kaika("faq", "unanswered", "--json")) == []
    assert json.loads(kaika("faq", "votes", "--json")) == {}
    assert "found an answer" in kaika("faq", "unanswered")
    assert "Nobody has voted" in kaika("faq", "votes")


def test_upgrading_twice_changes_nothing() -> None:
    assert kaika("db", "upgrade") == kaika("db", "upgrade")


@pytest.mark.parametrize(
    ("name", "value"), [("KAIKA_BOT_TOKEN", "hunter2"), ("KAIKA_LOG_LEVEL", "hunter2")]
)
def test_a_wrong_setting_ends_the_run_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["kaika", "run"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    output = capsys.readouterr().err
    assert name in output
    assert "hunter2" not in output
    assert "Traceback" not in output


def test_a_missing_token_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kaika", "run"])
    with pytest.raises(SystemExit):
        main.main()
    assert "KAIKA_BOT_TOKEN is missing" in capsys.readouterr().err


def test_the_search_is_asked_without_loading_telegram() -> None:
    code = (
        "import sys; from bot.cli.main import app\n"
        "try: app(['faq', 'search', '--json', 'pin'])\n"
        "except SystemExit: pass\n"
        "assert 'telegram' not in sys.modules and 'sqlalchemy.ext.asyncio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_a_token_that_telegram_does_not_know_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_: Kaika) -> None:
        raise InvalidToken

    monkeypatch.setenv("KAIKA_BOT_TOKEN", TOKEN)
    monkeypatch.setattr(Kaika, "run", fail)
    monkeypatch.setattr(sys, "argv", ["kaika", "run"])
    with pytest.raises(SystemExit):
        main.main()
    output = capsys.readouterr().err
    assert "not known to Telegram" in output
    assert "Traceback" not in output
    assert TOKEN not in output
