"""The config's keys of models, of the judge and of the matcher: type, default, meaning.

The JSON schemas in ``workflow/schemas`` and the tables of docs/config.md are made from these
classes and from those of `earmark.config.benchmarks`, by docs/make_config.py.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr

from earmark.config import parts
from earmark.config.parts import Count, LocalPath, Natural, Number, Part, Plain, Positive, Text, key
from earmark.language import code
from earmark.paths import folder

if TYPE_CHECKING:
    from earmark.config.benchmarks import Split

STARTED = "megatron vllm sglang command demo"
ASKED = f"{STARTED} openai"


class Client(Part):
    """How requests are sent: `Model.client`."""

    concurrency: Count | None = key(None, "Requests under way at once; null: as the type has it.")
    adaptive: bool = key(True, "Whether fewer are sent while the server is busy (429, 503).")
    timeout: Positive = key(600, "Seconds a request may take.")
    max_retries: Natural = key(8, "How often a request is tried again after a passing fault.")


class Sampling(Part):
    """How answers are sampled: `Model.sampling`. None is left to the server."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = key(None, "0 is greedy.")
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = key(None, "The nucleus' probability.")
    max_tokens: Count | None = key(None, "Tokens of an answer, at most.")
    seed: int | None = key(None, "Another seed samples other answers.")
    top_k: int | None = key(None, "The most probable tokens that are sampled from.")
    min_p: parts.Share | None = key(None, "The least probability, relative to the highest.")
    repetition_penalty: Positive | None = key(None, "Above 1, repeated tokens are less probable.")
    presence_penalty: Number | None = key(None, "Subtracted for tokens that are there.")
    frequency_penalty: Number | None = key(None, "Subtracted each time that a token is there.")
    stop: str | list[str] | None = key(None, "Texts at which an answer ends.")


class Prompt(Part):
    """What is asked: `Split.prompt`, and key by key over it `Model.prompt`."""

    system: str | None = key(None, "The system message; null for none.")
    user: str = key("", "The user's text.")
    suffix: str = key("", "Appended to the user's text, such as ` /no_think`.")


class Container(Part):
    """What a server runs in: `Model.container`; an image alone is enough."""

    image: LocalPath = key(..., "The image: a file, or a name in a registry.")
    engine: Literal["apptainer", "docker", "pyxis"] | None = key(
        None, "What runs it; null: as the image looks."
    )
    mounts: list[LocalPath] = key([], "Folders that it sees too: `/data`, or `/here:/there`.")


def _image(given: Any) -> Any:
    return {"image": given} if isinstance(given, str) else given


class Model(Part):
    """A model under test, and what serves it."""

    kind: ClassVar = "server"

    types: ClassVar = (*ASKED.split(), "random-choice", "imported")

    server: Text = key(..., "What serves the model; docs/servers.md has a config of each type.")
    model: LocalPath = key(
        ...,
        "The model's name in requests; a checkpoint or Hub repository for servers that load it.",
    )
    revision: str | None = key(
        None, "The served revision, recorded with results; another one means other answers."
    )
    api: Literal["chat", "transcriptions"] = key(
        "chat", "`chat` (/chat/completions with audio parts) or `transcriptions` (/audio/…)."
    )
    audio: Literal["audio_url", "input_audio", "path", False] | None = key(
        None, "How audio is put in a chat message; null: as the type is used to; false sends none."
    )
    prompt: Prompt = key(Prompt(), "What is asked otherwise than the benchmark says, key by key.")
    sampling: Sampling = key(Sampling(), "Sampling parameters, sent as they are.")
    extra_body: Plain = key({}, "Further keys of each request's body.", ASKED)
    stream: bool = key(
        False, "Whether chat answers come in pieces, for endpoints that do nothing else.", ASKED
    )
    num_seeds: Count = key(1, "Predictions of each sample, with seeds from sampling.seed on.")
    chunk_seconds: Annotated[Number, Field(ge=1)] | None = key(
        None, "Longer audio is cut into such chunks, asked in order; 30 suits most.", ASKED
    )
    audio_formats: (
        list[Literal["wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "webm"]] | None
    ) = key(None, "Formats sent as they are; others become WAV, mono, at audio_rate.", ASKED)
    audio_rate: Annotated[int, Field(ge=1000)] = key(16000, "Samples a second of that WAV.", ASKED)
    audio_root: dict[str, str] = key(
        {}, "audio by path: prefixes of paths here, and the server's.", "megatron command"
    )
    base_url: parts.Address | None = key(
        None, "A server that runs already, such as https://api.openai.com/v1.", ASKED
    )
    api_key_env: parts.Variable | None = key(
        None, "The environment variable that holds the API key, which is never written.", ASKED
    )
    served_model_name: Text | None = key(None, "In requests, where it is not `model`.", ASKED)
    command: parts.Words | None = key(
        None,
        "The server's command line; {model}, {port}, {gpus}, {nodes} and {host} are filled in.",
        "command",
    )
    server_args: parts.Words | None = key(
        None, "Further arguments; what may change answers is part of the model.", STARTED
    )
    server_entrypoint: Text | None = key(
        None, "What is run instead of the type's own program.", "megatron vllm sglang"
    )
    gpus: Natural = key(0, "GPUs of each node that the server gets.", STARTED)
    nodes: Count = key(1, "Nodes that the server runs on.", STARTED)
    env: dict[str, str | int | float] = key(
        {}, "Variables set for the server; secrets it inherits instead.", STARTED
    )
    container: Annotated[
        Container | None, BeforeValidator(_image, json_schema_input_type=str | Container)
    ] = key(None, "An image that the server runs in, or its image, engine, mounts.", STARTED)
    installation_command: Text | None = key(
        None, "Shell commands, run once (on each node, in the container) before it.", STARTED
    )
    setup_command: Text | None = key(
        None, "Shell commands, run in the shell of each of its processes.", STARTED
    )
    health_timeout: Positive = key(1800, "Seconds it may take to load.", STARTED)
    idle_time: parts.NotNegative = key(60, "Seconds it stays for the run's next job.", STARTED)
    stop_timeout: Positive = key(10, "Seconds it gets to end by itself.", STARTED)
    max_server_restarts: Natural = key(
        3, "How often a job restarts a server that died or stopped working.", STARTED
    )
    unhealthy_timeout: Positive = key(
        60, "Seconds that it may say it is not healthy, and answer nothing, until then.", STARTED
    )
    client: Client = key(Client(), "How requests are sent; never a reason to ask again.", ASKED)
    max_failed_fraction: parts.Share = key(
        0.01, "A split whose failed samples are more than this share of it fails."
    )

    _name: str = PrivateAttr("judge")

    def named(self, name: str) -> Self:
        """The same model under a name."""
        made = self.model_copy()
        made._name = name
        return made

    @property
    def name(self) -> str:
        """The name in the config, in tables and reports."""
        return self._name

    @property
    def folder(self) -> str:
        """The name in paths: the same, but for characters that a path cannot hold."""
        return folder(self._name)

    @property
    def total_gpus(self) -> int:
        """How many GPUs its server gets, on all nodes together; none where none is started."""
        return 0 if self.base_url else self.gpus * self.nodes

    @cached_property
    def settings(self) -> Plain:
        """All its keys as a plain dictionary, but those that are null by default."""
        return {"revision": None, **self.model_dump(), "prompt": self.given.get("prompt", {})}

    def request(self, split: "Split") -> Plain:
        """Everything that determines the model's answers on a split, and nothing operational."""
        decisive = ("model", "revision", "api", "sampling", "extra_body")
        prompt = {"system": None, "user": "", "suffix": "", **split.prompt.given}
        spoken = split.language if self.api == "transcriptions" else None
        language = {"language": code(spoken)} if spoken else {}
        return {
            **{name: self.settings[name] for name in decisive},
            "audio": self.audio,
            "prompt": {**prompt, **self.prompt.given},
            **language,
        }


class Judge(Model):
    """The model that judges: with the reference's sampling, and without audio."""

    audio: Literal[False] = key(False, "A judge gets no audio.")
    prompt: Prompt | Literal["earmark", "nemo_skills", "nemo_skills_yes_no"] = key(  # type: ignore[assignment]
        Prompt(), "A protocol's prompt by name (docs/mmau-pro.md), or a prompt of your own."
    )
    sampling: Sampling = key(
        Sampling(temperature=0.1, max_tokens=512), "Sampling parameters, sent as they are."
    )


class Comet(Part):
    """COMET's scores of translations: `Split.comet`."""

    model: LocalPath = key(
        ...,
        "A COMET model of the Hub, such as `Unbabel/wmt22-comet-da`, or the path of a checkpoint.",
    )
    revision: Text | None = key(None, "Its commit or tag; another one scores anew.")
    dtype: Literal["float32", "bfloat16"] = key(
        "float32", "The precision; bfloat16 takes half the memory, and xCOMET models alone know it."
    )
    batch_size: Count = key(8, "Sentences in a forward pass.")
    gpus: Annotated[int, Field(ge=0, le=1)] = key(
        1, "GPUs that the comet job asks for; 0 computes on the CPU."
    )
    python: LocalPath = key(".venv-comet/bin/python", "The interpreter that it runs in.")

    @property
    def checkpoint(self) -> str | None:
        """The file that `model` names on this machine; None for a model of the Hub."""
        named = Path(self.model)
        places = (named, named / "checkpoints" / "model.ckpt")
        return next((str(path) for path in places if path.is_file()), None)

    @property
    def identity(self) -> Plain:
        """What determines the scores, and nothing operational."""
        return {"model": self.model, "revision": self.revision, "dtype": self.dtype}


class Matcher(Part):
    """What matches answers to choices: `Run.matcher`."""

    kind: ClassVar = "type"
    needs: ClassVar = {"embeddings": ("model", "base_url")}

    type: Literal["nv-embed", "embeddings", "demo"] = key(
        ...,
        "NV-Embed-v2 on a GPU here, an OpenAI-compatible endpoint, or a small model on the CPU.",
    )
    model: Text | None = key(None, "The embedding model.", "embeddings nv-embed")
    revision: str | None = key(None, "Another one means other vectors.", "embeddings nv-embed")
    base_url: parts.Address | None = key(None, "Such as http://127.0.0.1:8000/v1.", "embeddings")
    api_key_env: parts.Variable | None = key(
        None, "The environment variable that holds the API key.", "embeddings"
    )
    extra_body: Plain = key({}, "Further keys of each request's body.", "embeddings")
    timeout: Positive = key(600, "Seconds a request may take.", "embeddings")
    max_retries: Natural = key(8, "How often a request is tried again.", "embeddings")
    python: LocalPath = key(
        ".venv-nv-embed/bin/python", "The interpreter that it runs in.", "nv-embed"
    )
    device: Text = key("cuda", "The device.", "nv-embed")
    dtype: Literal["float32", "float16", "bfloat16"] = key(
        "float32", "The precision; that of the reference is float32.", "nv-embed"
    )
    batch_size: Count | None = key(
        None, "Texts in a forward pass (16) or in a request (64).", "nv-embed embeddings"
    )
    gpus: Natural | None = key(None, "GPUs that the match job asks for; null: 1 for nv-embed.")

    @property
    def total_gpus(self) -> int:
        """How many GPUs the match job asks for."""
        return int(self.type == "nv-embed") if self.gpus is None else self.gpus
