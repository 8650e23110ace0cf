from __future__ import annotations

import pytest

from studio.errors import UsageError
from studio.llm import prices
from studio.llm.chat import Usage
from studio.llm.prices import FREE, Price, Prices, cost, find, load

REMOTE = "https://llm.example/v1"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-4omega", None),
        ("gpt-4", None),
        ("llama3:8b", "llama3"),
        ("gpt-4o.5", None),
        ("", None),
    ],
)
def test_the_longest_id_a_model_begins_with_has_its_price(model, name):
    table = {known: Price(number + 1.0, 1.0) for number, known in enumerate(["gpt-4o", "gpt-4o-mini", "llama3"])}
    assert find(table, model) == (table[name] if name else None)


def test_a_cost_counts_cached_tokens_once():
    price = Price(input=2.0, output=8.0, cached=0.5)
    assert cost(price, Usage(1_000_000, 500_000)) == pytest.approx(6.0)
    assert cost(price, Usage(1_000_000, 0, 400_000)) == pytest.approx(1.2 + 0.2)
    assert cost(Price(2.0, 8.0), Usage(1_000_000, 0, 400_000)) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("url", "price"),
    [
        ("", FREE),
        ("http://127.0.0.1:8000/v1", FREE),
        ("http://localhost:11434/v1", FREE),
        ("http://192.168.1.7:8000/v1", FREE),
        ("https://8.8.8.8/v1", Price(1.0, 2.0)),
        (REMOTE, Price(1.0, 2.0)),
        ("https://localhost.example/v1", Price(1.0, 2.0)),
    ],
)
def test_what_runs_here_is_free(url, price):
    assert Prices({"m": Price(1.0, 2.0)}, {}).price(url, "m") == price


def test_a_price_of_ones_own_goes_before_everything():
    table = Prices({"m": Price(1.0, 2.0)}, {"m": Price(3.0, 4.0)})
    assert table.price(REMOTE, "m") == table.price("http://127.0.0.1:4000/v1", "m") == Price(3.0, 4.0)
    assert table.price(REMOTE, "m-2026") == Price(3.0, 4.0)
    assert table.price(REMOTE, "other") is None


def test_the_shipped_table_is_sound_and_dated():
    shipped = load({}).shipped
    assert {"gpt-4o-mini", "deepseek-chat", "qwen-plus", "text-embedding-3-small"} <= set(shipped)
    for name, price in shipped.items():
        has_answers = "embed" not in name
        assert price.input <= price.output <= 1000 if has_answers else price.output == 0, name
        assert 0 < price.input <= 1000, name
        assert price.cached is None or 0 < price.cached <= price.input, name
        assert price.noted.startswith("202"), name
    assert "PRICES CHANGE" in prices._SHIPPED.read_text("utf-8")


def test_the_settings_go_before_the_file_and_the_file_before_the_shipped(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text('"gpt-4o" = { input = 9, output = 10 }\n["mine"]\ninput = 1\noutput = 2\n', "utf-8")
    table = load({"mine": Price(5.0, 6.0)}, file)
    assert table.price(REMOTE, "gpt-4o") == Price(9.0, 10.0)
    assert table.price(REMOTE, "mine") == Price(5.0, 6.0)
    assert table.price(REMOTE, "gpt-4o-mini-2024-07-18") == table.shipped["gpt-4o-mini"]


def test_the_file_stands_beside_the_settings_of_the_person(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_CONFIG_FILE", str(tmp_path / "config.toml"))
    (tmp_path / "prices.toml").write_text('"mine" = { input = 1, output = 2 }', "utf-8")
    assert load({}).price(REMOTE, "mine") == Price(1.0, 2.0)


@pytest.mark.parametrize("text", ['"m" = 3', '"m" = { input = 1 }', '"m" = { input = -1, output = 2 }', "not toml"])
def test_a_broken_file_is_named(tmp_path, text):
    file = tmp_path / "prices.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"prices\.toml"):
        load({}, file)
