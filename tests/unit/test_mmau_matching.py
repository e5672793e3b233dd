from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread
from time import sleep
from typing import Any

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.mmau import matching
from earmark.mmau.matchers import demo, embeddings, matcher_type
from earmark.mmau.matching import EmbeddingStore

AXES = {"dog": [1, 0], "a dog": [0.9, 0.1], "cat": [0, 1], "neither": [1, 1], "": [0, 1]}


class Table:
    """An embedder that looks texts up, and remembers what it was asked."""

    def __init__(self, table: dict[str, Any] | None = None) -> None:
        self.table = table or AXES
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Any:
        self.asked.append(list(texts))
        return np.array([self.table[text] for text in texts], np.float32)


def embed_all(embed: Any, texts: list[str], **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in matching.embed_each(embed, texts, **options):
        found |= part
    return found


def test_the_nearest_choice_is_the_match_and_every_similarity_is_kept() -> None:
    row = {"id": "1", "choices": ["cat", "dog"]}
    vectors = embed_all(Table(), ["cat", "dog", "a dog"])
    found = matching.match(row, " a dog\n", vectors)
    assert found["match"] == "dog"
    assert found["similarities"] == pytest.approx([0.110432, 0.993884], abs=1e-6)
    assert found["margin"] == pytest.approx(0.883452, abs=1e-6)


def test_of_equal_similarities_the_first_choice_is_the_match() -> None:
    vectors = embed_all(Table(), ["cat", "dog", "neither"])
    found = matching.match({"id": "1", "choices": ["cat", "dog"]}, "neither", vectors)
    assert (found["match"], found["margin"]) == ("cat", 0.0)


@pytest.mark.parametrize(
    ("choices", "answer"), [([], "dog"), (None, "dog"), (["dog"], "dog"), (["dog", "cat"], " ")]
)
def test_without_two_choices_or_an_answer_there_is_no_match(choices: Any, answer: str) -> None:
    row = {"id": "1", "choices": choices}
    assert matching.texts_of([(row, answer)]) == []
    found = matching.match(row, answer, {})
    assert found == {"id": "1", "match": None, "margin": None, "similarities": None}


def test_each_distinct_text_is_embedded_once_and_in_batches() -> None:
    embed = Table()
    rows = [{"id": str(i), "choices": ["dog", "cat"]} for i in range(9)]
    texts = matching.texts_of((row, "a dog") for row in rows)
    assert texts == ["a dog", "dog", "cat"]
    embed_all(embed, [*texts, *texts], batch=2)
    assert embed.asked == [["cat", "dog"], ["a dog"]]


def test_another_dimension_half_way_is_an_error_that_names_where() -> None:
    embed = Table({"a": [1, 0], "bb": [1, 0, 0]})
    with pytest.raises(EarmarkError, match=r"vectors of 3 numbers .*'bb'; those before had 2"):
        embed_all(embed, ["bb", "a"], batch=1)


def test_another_dimension_than_was_stored_is_an_error() -> None:
    known = {"a": np.ones(3, np.float32)}
    with pytest.raises(EarmarkError, match="those before had 3"):
        embed_all(Table({"bb": [1, 0]}), ["a", "bb"], known=known)


@pytest.mark.parametrize("vector", [[0.0, 0.0], [float("nan"), 1.0]])
def test_a_vector_without_direction_is_an_error(vector: list[float]) -> None:
    with pytest.raises(EarmarkError, match="without direction for 'a'"):
        embed_all(Table({"a": vector}), ["a"])


def test_a_short_answer_of_the_matcher_is_an_error() -> None:
    with pytest.raises(EarmarkError, match="1 vectors for 2 texts"):
        embed_all(lambda texts: np.ones((1, 2), np.float32), ["a", "b"])


def test_the_store_gives_back_what_the_same_matcher_embedded(tmp_path: Path) -> None:
    vectors = {"a": np.array([1, 0], np.float32), "\udce4": np.array([0, 1], np.float32)}
    EmbeddingStore(tmp_path, {"model": "m"}).add(vectors)
    EmbeddingStore(tmp_path, {"model": "m"}).add({"b": np.array([1, 1], np.float32)})
    found = EmbeddingStore(tmp_path, {"model": "m"}).load(["a", "b", "\udce4", "c"])
    assert sorted(found) == ["a", "b", "\udce4"]
    assert found["a"].tolist() == [1, 0] and found["\udce4"].tolist() == [0, 1]
    assert EmbeddingStore(tmp_path, {"model": "other"}).load(["a"]) == {}


def test_a_damaged_file_in_the_store_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = EmbeddingStore(tmp_path, {"model": "m"})
    store.add({"a": np.ones(2, np.float32)})
    (store.folder / "bad.npz").write_bytes(b"PK\x03\x04 cut")
    assert sorted(store.load(["a"])) == ["a"]
    assert "bad.npz: not used" in capsys.readouterr().err


def test_jobs_with_the_same_matcher_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = Table()
    asked, ready = embed.asked, Barrier(2)

    class Slow:
        identity = staticmethod(lambda settings: {"model": "m"})

        @staticmethod
        @contextmanager
        def running(settings: Any) -> Any:
            sleep(0.1)  # long enough for the other to look for what is known
            yield embed

    monkeypatch.setattr(matching, "matcher_type", lambda settings: Slow)
    samples = [({"id": "1", "choices": ["dog", "cat"]}, "a dog")]

    def job() -> None:
        ready.wait()
        matching.match_all({"type": "slow"}, samples, tmp_path)

    both = [Thread(target=job) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert asked == [["cat", "dog", "a dog"]]


def test_texts_that_utf_8_cannot_write_and_blank_ones_are_sent_as_others() -> None:
    embed = Table({"a?": [1, 0], ".": [0, 1]})
    assert sorted(embed_all(embed, ["a\udce4", " "])) == [" ", "a\udce4"]


def test_stored_vectors_of_unlike_length_are_an_error_that_names_the_folder(tmp_path: Path) -> None:
    settings = {"type": "demo"}
    store = EmbeddingStore(tmp_path, demo.identity(settings))
    store.add({"dog": np.ones(2, np.float32)})
    store.add({"cat": np.ones(3, np.float32), "a dog": np.ones(3, np.float32)})
    with pytest.raises(EarmarkError, match="vectors of unlike length; remove it"):
        matching.match_all(settings, [({"id": "1", "choices": ["dog", "cat"]}, "a dog")], tmp_path)


def test_the_demo_matcher_knows_like_from_unlike() -> None:
    vectors = embed_all(demo.load(), ["a dog barks", "a puppy is barking", "stock prices fell"])
    like = vectors["a dog barks"] @ vectors["a puppy is barking"]
    unlike = vectors["a dog barks"] @ vectors["stock prices fell"]
    assert like > 0.6 > 0.3 > unlike


def test_an_unknown_matcher_is_named() -> None:
    with pytest.raises(EarmarkError, match=r"'bert' is not a matcher; use one of nv-embed, emb"):
        matcher_type({"type": "bert"})


class Endpoint(ThreadingHTTPServer):
    """A strict /v1/embeddings with a list of what to answer instead, request by request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.faults: list[tuple[int, bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.keys.append(self.headers["Authorization"])
        status, answer = 404, b'{"error": {"message": "no such path"}}'
        if self.path == "/v1/embeddings" and body.get("model") == "m":
            data = [
                {"object": "embedding", "index": i, "embedding": [float(len(text)), 1.0]}
                for i, text in enumerate(body["input"])
            ]
            status, answer = 200, json.dumps({"object": "list", "data": data[::-1]}).encode()
        if self.server.faults:
            status, answer = self.server.faults.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Any:
    with Endpoint() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def settings(endpoint: Endpoint, **more: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:{endpoint.server_address[1]}/v1"
    return {"type": "embeddings", "model": "m", "base_url": url, "max_retries": 2, **more}


def test_an_embeddings_endpoint_gives_vectors_in_the_order_of_the_texts(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_KEY", "s3cret")
    with embeddings.running(settings(endpoint, api_key_env="MATCHER_KEY")) as embed:
        assert embed(["a", "bbb"]).tolist() == [[1, 1], [3, 1]]
    assert endpoint.bodies[0]["input"] == ["a", "bbb"]
    assert endpoint.keys == ["Bearer s3cret"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"error": {"message": "overloaded"}}, "overloaded"),
        ({"data": None}, "data=None"),
        ({"data": [{"embedding": [1.0]}] * 2}, "index=None|Embedding"),
        ({"data": [{"index": 0, "embedding": [1.0]}] * 2}, "index=0"),
        ({"data": ["x", "y"]}, "'x', 'y'"),
        (
            {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]},
            r"\[1.0, 2.0\]",
        ),
        ({"data": [{"index": 0, "embedding": None}, {"index": 1, "embedding": "AA"}]}, "'AA'"),
    ],
)
def test_what_an_endpoint_gave_instead_of_embeddings_is_told(
    endpoint: Endpoint, answer: dict[str, Any], says: str
) -> None:
    endpoint.faults = [(200, json.dumps(answer).encode())]
    with (
        embeddings.running(settings(endpoint, max_retries=0)) as embed,
        pytest.raises(EarmarkError, match=f"1 answers that hold no embeddings; the last: .*{says}"),
    ):
        embed(["a", "b"])


def test_answers_without_embeddings_are_asked_for_again(endpoint: Endpoint) -> None:
    endpoint.faults = [(200, b"<html>"), (200, b'{"data": []}')]
    with embeddings.running(settings(endpoint)) as embed:
        assert embed(["a"]).tolist() == [[1, 1]]
    endpoint.faults = [(200, b'{"data": [{"index": 0, "embedding": [1]}]}')] * 3
    with (
        embeddings.running(settings(endpoint)) as embed,
        pytest.raises(EarmarkError, match="3 answers that hold no embeddings.*no 2 vectors"),
    ):
        embed(["a", "b"])


def test_a_refusal_names_the_endpoint_and_its_reason(endpoint: Endpoint) -> None:
    endpoint.faults = [(401, b'{"error": {"message": "bad key"}}')]
    with (
        embeddings.running(settings(endpoint)) as embed,
        pytest.raises(EarmarkError, match=r"/v1 \(matcher, model 'm'\): HTTP 401 .*bad key"),
    ):
        embed(["a"])


@pytest.mark.parametrize("status", [200, 401])
def test_a_key_that_an_endpoint_repeats_is_not_shown(
    endpoint: Endpoint, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_KEY", "s3cret")
    endpoint.faults = [(status, b'{"error": {"message": "you came with s3cret"}}')]
    keyed = settings(endpoint, api_key_env="MATCHER_KEY", max_retries=0)
    with embeddings.running(keyed) as embed, pytest.raises(EarmarkError) as error:
        embed(["a"])
    assert "you came with ***" in str(error.value) and "s3cret" not in str(error.value)


def test_a_dead_endpoint_is_named(endpoint: Endpoint) -> None:
    dead = {**settings(endpoint), "base_url": "http://127.0.0.1:9/v1", "max_retries": 0}
    with (
        embeddings.running(dead) as embed,
        pytest.raises(EarmarkError, match=r"127.0.0.1:9/v1 .* cannot be reached"),
    ):
        embed(["a"])


class Dribble(BaseHTTPRequestHandler):
    """Answers with a blank now and then, and never to the end."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b" ")
                sleep(0.05)


def test_an_endpoint_that_never_ends_its_answer_is_given_up() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dribble)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    given = {"type": "embeddings", "model": "m", "timeout": 0.3, "max_retries": 0}
    given["base_url"] = f"http://127.0.0.1:{server.server_address[1]}/v1"
    with (
        embeddings.running(given) as embed,
        pytest.raises(EarmarkError, match="no whole answer to 1 texts within 0.3 s"),
    ):
        embed(["a"])
    server.shutdown()
    server.server_close()


def test_a_key_that_is_not_set_is_named(endpoint: Endpoint) -> None:
    with (
        pytest.raises(EarmarkError, match="export NO_SUCH_KEY="),
        embeddings.running(settings(endpoint, api_key_env="NO_SUCH_KEY")),
    ):
        pass
