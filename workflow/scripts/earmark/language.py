"""The codes of languages, as data, servers and protocols write them."""

from __future__ import annotations

from functools import cache


@cache
def code(language: str) -> str:
    """The short code of a language: ``de`` of ``deu`` and ``de_de``, ``zh`` of ``cmn_hans_cn``.

    Kinds of Arabic (``arz``, ``ary``, …) are ``ar``, whose script, rules and models are theirs.

    Raises:
        ValueError: when it is the code of no language.
    """
    import langcodes
    from langcodes.data_dicts import MACROLANGUAGES

    try:
        tag = langcodes.Language.get(langcodes.standardize_tag(language.strip(), macro=True))
    except langcodes.tag_parser.LanguageTagError:
        tag = langcodes.Language.get("und")
    if not tag.language or tag.language == "und" or not tag.is_valid():
        raise ValueError(
            f"{language!r} is no language's code: one such as en, de, pt_br or cmn_hans_cn was "
            "expected"
        )
    return "ar" if MACROLANGUAGES.get(tag.language) == "ar" else tag.language
