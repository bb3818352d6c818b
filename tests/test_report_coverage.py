"""Characters that cannot be shown are spelled out."""

from __future__ import annotations

from auditapp.reports import coverage


def test_the_embedded_fonts_cover_what_the_report_itself_uses() -> None:
    for c in "AZaz09 −–—…“”‘’•→←≥≤ŁódźÑß€£%":
        assert ord(c) in coverage.covered(), c


def test_it_spells_out_what_no_font_has() -> None:
    assert coverage.printable("日a") == "[U+65E5]a"
    assert coverage.printable("a\u0007b\u202ec\u200b") == "a[U+0007]b[U+202E]c[U+200B]"
    assert coverage.printable("line\nbreak") == "line break"


def test_the_page_keeps_other_scripts_but_no_hidden_direction() -> None:
    assert coverage.safe("日本 العربية") == "日本 العربية"
    assert coverage.safe("a\u202eb\u0000") == "a[U+202E]b[U+0000]"


def test_long_words_may_break_and_short_ones_do_not() -> None:
    assert "\u200b" in coverage.breakable("a" * 40)
    assert "\u200b" not in coverage.breakable("a" * 32)
    assert coverage.breakable("a" * 100).replace("\u200b", "") == "a" * 100
