"""Text that people type: kept as typed, and folded only where it is compared."""

import re
import time
import unicodedata

import pytest

from app.core import text

WORDS = [
    "㈱山田商店", "①はじめに", "10:00～11:00", "ようこそ！", "オンライン面談（無料）", "10㎡", "℡ 03", "½ day",
    "m²", "佐藤　美咲", "ｶﾞﾗｽ", "Ａｙａ", "髙橋", "👨‍👩‍👧‍👦 family", "👍🏽", "❤️", "می‌خواهم", "क्‍ष",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "שלום\u200f!", "葛\U000e0100城",
]  # fmt: skip


@pytest.mark.parametrize("typed", WORDS)
def test_words_are_kept_as_they_were_typed(typed: str) -> None:
    assert text.line(f" {typed}　", 120) == typed
    assert text.lines(f"\n{typed}\n", 120) == typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" x\r\ny ", "x\ny"), ("a\rb\u2028c", "a\nb\nc"), ("a\x00b\x1bc\x8dd", "abcd"), (None, ""),
        ("か\u3099", "が"), ("one\n\n  two", "one\n\n  two"),
    ],
)  # fmt: skip
def test_lines_keep_their_breaks_and_lose_what_no_key_types(typed: str | None, kept: str) -> None:
    assert text.lines(typed, 2000) == kept


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\t", "\x85", "\x0b"])
def test_one_line_is_one_line(break_: str) -> None:
    assert text.line(f"a{break_}b", 120) == "a b"


@pytest.mark.parametrize(
    "turn", ["\u202e", "\u202a", "\u2066", "\u2069", "\U000e0041", "\U000e0001"]
)
def test_nothing_turns_or_hides_what_stands_beside_a_line(turn: str) -> None:
    assert text.line(f"in{turn}voice", 120) == "invoice"


@pytest.mark.parametrize(
    "typed",
    [
        "\u200b", "\u3164", "\u2800", "\u115f\u1160", "\u00ad\ufeff", "\u2060 \u200d", "　　", "\ufe0f", "\u034f",
        "\U000e0041", "\u202e\u202c", "\u0301",
    ],
)  # fmt: skip
def test_text_of_nothing_visible_is_empty(typed: str) -> None:
    assert text.line(typed, 120) == ""
    assert text.lines(typed, 120) == ""


def test_what_is_too_long_is_cut_but_not_to_what_would_be_allowed() -> None:
    assert len(text.line("x" * 100_000, 120)) == 480
    assert len(text.lines("x" * 100_000, 120)) == 480


@pytest.mark.parametrize("take", [
    lambda typed: text.line(typed, 120), lambda typed: text.lines(typed, 2000), text.fold,
    text.fold_address, text.fold_for_search,
])  # fmt: skip
@pytest.mark.parametrize("costly", [
    "Z" + "\u0315\u0300" * 62_000, "\u0315\u0300" * 62_000, "ﷺ" * 120_000, "@" * 120_000, "<" * 120_000,
    "mailto:" + "%41" * 40_000, "xn--" + "a-" * 60_000 + "@é", "\U0001f3f4" * 60_000, " \n" * 60_000,
])  # fmt: skip
def test_no_text_holds_a_process(take: object, costly: str) -> None:
    """The quadratic kind took twenty seconds; the suite's machine may be slow, not that slow."""
    began = time.perf_counter()
    take(costly)  # type: ignore[operator]
    assert time.perf_counter() - began < 1


def test_marks_on_a_letter_are_kept_up_to_what_languages_have() -> None:
    thai = "ก็่้" * 10
    assert text.line(thai, 120) == unicodedata.normalize("NFC", thai)
    assert len(text.line("Z" + "\u0316" * 100, 120)) == 31


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Ken@Example.COM ", "ken@example.com"), ("ｋｅｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ken@example.com"),
        ("\u200bken\u00ad@example\u2060.com\ufeff", "ken@example.com"),
        ("\u202aken@example.com\u202c", "ken@example.com"), ("\u2068ken@example.com\u2069", "ken@example.com"),
        ("mailto:ken@example.com", "ken@example.com"), ("MAILTO:ken@example.com?subject=Hi", "ken@example.com"),
        ("mailto:ken%2Bwork@example.com", "ken+work@example.com"),
        ("Ken Yamada <ken@example.com>", "ken@example.com"), ('"山田, 健" <ken@example.com>;', "ken@example.com"),
        ("<ken@example.com>", "ken@example.com"), ("ken@例え.jp", "ken@xn--r8jz45g.jp"),
        ("taro..yamada.@docomo.example", "taro..yamada.@docomo.example"), ("", ""), (None, ""),
        ("nobody", "nobody"),
    ],
)  # fmt: skip
def test_an_address_is_understood_as_it_is_pasted(typed: str | None, address: str) -> None:
    assert text.fold_address(typed) == address


@pytest.mark.parametrize("address", [
    "ken@example.com", "taro..yamada.@docomo.example", ".taro@docomo.example", "a?bcc=c%40d@example.com",
    "ken+work@example.com", "o'neil@example.com", "x" * 64 + "@example.com",
])  # fmt: skip
def test_mail_can_be_sent_there(address: str) -> None:
    assert text.is_address(address)


@pytest.mark.parametrize("address", [
    "", "ken", "@example.com", "ken@", "ken@localhost", "ken@-example.com", "ken yamada@example.com",
    "=?utf-8?q?ken?=@example.com", "健@example.com", "ken@exa mple.com", "...@example.com",
    "x" * 65 + "@example.com", "ken@example..com", 'ken"@example.com', "ken,lena@example.com",
])  # fmt: skip
def test_mail_cannot_be_sent_there(address: str) -> None:
    assert not text.is_address(address)


def test_no_address_becomes_a_header_of_the_mail_it_is_to_open() -> None:
    uri = text.mailto("a?bcc=c%40d@example.com")
    assert uri == "mailto:a%3Fbcc%3Dc%2540d@example.com"
    assert not re.search(r"[?&]", uri)


@pytest.mark.parametrize(("one", "other"), [
    ("㈱", "(株)"), ("ｶﾞﾗｽ", "ガラス"), ("ＡＹＡ", "aya"), ("É", "é"), ("①", "1"), ("か\u3099", "が"),
])  # fmt: skip
def test_a_search_finds_either_way_of_typing(one: str, other: str) -> None:
    assert text.fold_for_search(one) == text.fold_for_search(other)


@pytest.mark.parametrize(("typed", "folded"), [
    ("１２：３０", "12:30"), (" 30　", "30"), ("２０２６-１２-２４", "2026-12-24"), ("9" * 5000, "9" * 400), (None, ""),
])  # fmt: skip
def test_numbers_and_times_are_read_in_full_width_too(typed: str | None, folded: str) -> None:
    assert text.fold(typed) == folded
