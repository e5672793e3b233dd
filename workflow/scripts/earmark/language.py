"""The codes of languages, as data, servers and protocols write them."""

from __future__ import annotations

from functools import cache


@cache
def code(language: str) -> str:
    """The short code of a language: ``de`` of ``deu`` and ``de_de``, ``zh`` of ``cmn_hans_cn``.

    Raises:
        ValueError: when it is the code of no language.
    """
    import langcodes

    try:
        tag = langcodes.Language.get(langcodes.standardize_tag(language.strip(), macro=True))
    except langcodes.tag_parser.LanguageTagError:
        tag = langcodes.Language.get("und")
    if not tag.language or tag.language == "und" or not tag.is_valid():
        raise ValueError(
            f"{language!r} is no language's code: one such as en, de, pt_br or cmn_hans_cn was "
            "expected"
        )
    return tag.language
