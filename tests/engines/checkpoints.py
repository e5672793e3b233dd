"""Small checkpoints with random weights, made from configurations in code: nothing is downloaded.

Run by the engines' own Python: ``python checkpoints.py whisper|qwen2-audio FOLDER``. Their answers
mean nothing; how an engine loads, is asked, answers, fails and dies does not depend on them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de", "fr", "es", "zh")


def byte_tokenizer(special: list[str]) -> Any:
    """A tokenizer of single bytes, with these special tokens behind them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={one: n for n, one in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(special)
    return made


def whisper(folder: Path) -> None:
    """One layer of Whisper, for /audio/transcriptions and chat with vLLM."""
    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizerFast,
    )

    start, end = "<|startoftranscript|>", "<|endoftext|>"
    tasks = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"]
    tasks += ["<|nospeech|>", "<|notimestamps|>"]
    times = [f"<|{n / 50:.2f}|>" for n in range(1501)]
    special = [end, start, *(f"<|{code}|>" for code in LANGUAGES), *tasks, *times]
    made = byte_tokenizer(special)
    tokenizer = WhisperTokenizerFast(
        tokenizer_object=made, eos_token=end, bos_token=end, unk_token=end, pad_token=end
    )
    ids = {token: made.token_to_id(token) for token in special}
    config = WhisperConfig(
        vocab_size=made.get_vocab_size(),
        num_mel_bins=80,
        encoder_layers=1,
        encoder_attention_heads=2,
        decoder_layers=1,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        d_model=128,
        pad_token_id=ids[end],
        bos_token_id=ids[end],
        eos_token_id=ids[end],
        decoder_start_token_id=ids[start],
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=ids[start], eos_token_id=ids[end], pad_token_id=ids[end]
    )
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)


def qwen2_audio(folder: Path) -> None:
    """One layer of Qwen2-Audio, for chat with audio parts."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2AudioConfig,
        Qwen2AudioEncoderConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        Qwen2Config,
        WhisperFeatureExtractor,
    )

    end = "<|im_end|>"
    special = ["<|endoftext|>", "<|im_start|>", end, "<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"]
    made = byte_tokenizer(special)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token=end,
        pad_token="<|endoftext|>",
        additional_special_tokens=special,
    )
    ids = {token: made.token_to_id(token) for token in special}
    config = Qwen2AudioConfig(
        audio_config=Qwen2AudioEncoderConfig(
            num_mel_bins=128,
            encoder_layers=1,
            encoder_attention_heads=2,
            encoder_ffn_dim=128,
            d_model=128,
        ),
        text_config=Qwen2Config(
            vocab_size=made.get_vocab_size(),
            hidden_size=128,
            intermediate_size=128,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=2048,
            eos_token_id=ids[end],
            pad_token_id=ids["<|endoftext|>"],
        ),
        audio_token_index=ids["<|AUDIO|>"],
    )
    torch.manual_seed(0)
    Qwen2AudioForConditionalGeneration(config).save_pretrained(folder)
    weights = folder / "model.safetensors"  # whose names are those of the published checkpoint
    named = {name.replace(".model.model.", ".model."): w for name, w in load_file(weights).items()}
    save_file(named, weights, metadata={"format": "pt"})
    template = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
        "{% else %}Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n{% endif %}{% endfor %}{% endif %}"
        "<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    )
    Qwen2AudioProcessor(
        WhisperFeatureExtractor(feature_size=128), tokenizer, chat_template=template
    ).save_pretrained(folder)


if __name__ == "__main__":
    {"whisper": whisper, "qwen2-audio": qwen2_audio}[sys.argv[1]](Path(sys.argv[2]))
