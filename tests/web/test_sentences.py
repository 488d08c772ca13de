import pytest
from starlette.applications import Starlette

from betweengiants.position.live import Live, Question
from betweengiants.web import sentences
from betweengiants.web.bars import route_bars


@pytest.fixture(scope="session")
def live(app: Starlette) -> Live:
    return app.state.site.live


@pytest.mark.parametrize(
    ("question", "title"),
    [
        (Question(("USA",), 1.5), "What if the United States severs?"),
        (Question(("RUS", "CHN"), 1.5), "What if Russia and China sever?"),
        (Question((), 1.5, edges=("cpc-sea",)), "What if the route “CPC moorings” closes?"),
        (
            Question(("RUS",), 1.5, edges=("btc", "cpc-sea")),
            "What if Russia severs, and the routes “Baku-Tbilisi-Ceyhan” and “CPC moorings” close?",
        ),
        (Question((), 1.5, edges=("btc", "cpc-kaz", "cpc-rus", "cpc-sea")), "What if 4 chosen routes close?"),
    ],
)
def test_titles(live: Live, question: Question, title: str) -> None:
    assert sentences.question_title(question, live) == title


def test_sentences_follow_the_question(live: Live) -> None:
    both = sentences.sentence(live.ask(Question(("RUS", "CHN"), 2.0)), live)
    assert both.startswith("If Russia and China cut all trade with Kazakhstan, it would lose ")
    assert "at a trade elasticity of 2; with the oil routes they control closed, " in both
    edge = sentences.sentence(live.ask(Question((), 2.0, "capacity_low", edges=("cpc-sea",))), live)
    assert edge.startswith("With the route “CPC moorings” closed and all capacities at their low bound, ")
    none = sentences.sentence(live.ask(Question(("RUS",), live.default_theta, bases=())), live)
    assert "1.5 (the dossier’s short run); with no oil route closed, no crude would be lost." in none
    for text in (both, edge, none):
        assert text.count(".") >= 1
        assert text.endswith(".")


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-8.643, 1, "−8.6%"),
        (0.0, 2, "0.00%"),
        (-0.0, 1, "0.0%"),
        (0.0001, 2, "+0.0001%"),
        (-0.004, 2, "−0.004%"),
        (1e-9, 2, "0.00%"),
        (2.0, 2, "+2.00%"),
    ],
)
def test_changes(value: float, digits: int, text: str) -> None:
    assert sentences.signed(value, digits) == text


def test_bars_add_up(app: Starlette, live: Live) -> None:
    for question in (
        Question(("RUS", "CHN"), 1.5),
        Question(("RUS",), 1.5, edges=tuple(live.edges["edge_id"])),
    ):
        answer = live.ask(question)
        assert answer.oil is not None
        bars = route_bars(answer, app.state.site.position)
        assert bars["case"].unique(maintain_order=True).to_list() == ["As it is", "Afterwards"]
        for (case,), part in bars.group_by("case"):
            side = "before" if case == "As it is" else "after"
            assert part["value"].sum() == pytest.approx(answer.oil.routes[side].sum(), abs=1e-5)
            assert part["end"].max() == pytest.approx(part["total"][0])
    assert bars.row(-1, named=True)["total_text"] == "0"
