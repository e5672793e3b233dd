"""API keys reach the server that they are for, and are shown nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import assert_whole, done, job
from faulty_server import Fault, FaultyServer

from earmark.errors import EarmarkError
from earmark.inference.infer import infer
from earmark.servers.run import own_run

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_at_once_and_is_never_shown(
    manifest: Path, status: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    body = b'{"error": {"message": "Incorrect API key provided: sk-very-secret"}}'
    with FaultyServer(lambda audio, attempt: Fault(status, body)) as server:
        refused = job(server.url, manifest, {"concurrency": 2}, api_key_env="MY_KEY")
        with pytest.raises(EarmarkError, match="check the key in the variable") as caught:
            infer(refused, own_run())
        assert server.asked.total() <= 2 and server.keys == {"Bearer sk-very-secret"}
    assert "sk-very-secret" not in str(caught.value)
    assert "sk-very-secret" not in "".join(capfd.readouterr())
    files = [path for path in manifest.parent.rglob("*") if path.is_file()]
    assert not any(b"sk-very-secret" in path.read_bytes() for path in files)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_key_that_a_server_repeats_is_in_no_row_and_no_log(
    manifest: Path, status: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    page = b"<html>you came with sk-very-secret</html>"
    with FaultyServer(lambda audio, attempt: Fault(status, page)) as server:
        client = {"max_retries": 0}
        told = job(server.url, manifest, client, api_key_env="MY_KEY", max_failed_fraction=1)
        infer(told, own_run())
    assert "you came with ***" in told.predictions.read_text()
    assert "sk-very-secret" not in "".join(capfd.readouterr())
    files = [path for path in manifest.parent.rglob("*") if path.is_file()]
    assert not any(b"sk-very-secret" in path.read_bytes() for path in files)


@pytest.mark.parametrize("status", [200, 400])
def test_a_key_that_stands_where_a_reply_is_cut_short_is_not_shown_by_half(
    manifest: Path, status: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    page = b"<html>" + b"x" * 284 + b" sk-very-secret</html>"
    with FaultyServer(lambda audio, attempt: Fault(status, page)) as server:
        client = {"max_retries": 0}
        told = job(server.url, manifest, client, api_key_env="MY_KEY", max_failed_fraction=1)
        infer(told, own_run())
    assert "xx ***" in told.predictions.read_text()
    assert "sk-" not in told.predictions.read_text() + "".join(capfd.readouterr())


def test_a_key_goes_out_though_netrc_knows_the_address(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MY_KEY", "sk-mine")
    monkeypatch.setenv("no_proxy", "*")
    with FaultyServer() as server:
        assert_whole(done(job(server.url, manifest, api_key_env="MY_KEY")), server)
        assert server.keys == {"Bearer sk-mine"}


def test_a_value_that_cannot_be_a_key_is_refused_and_not_shown(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-first\nsk-second")
    with pytest.raises(EarmarkError, match="MY_KEY is no key: it holds blanks") as caught:
        infer(job("http://127.0.0.1:1/v1", manifest, api_key_env="MY_KEY"), own_run())
    assert "sk-" not in str(caught.value)


def test_a_key_that_is_not_set_is_named_before_anything_is_asked(manifest: Path) -> None:
    with FaultyServer() as server:
        with pytest.raises(EarmarkError, match="MY_MISSING_KEY, which is not set"):
            infer(job(server.url, manifest, api_key_env="MY_MISSING_KEY"), own_run())
        assert server.asked.total() == 0
