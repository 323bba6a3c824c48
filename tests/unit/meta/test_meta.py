"""The meta controller in Python."""

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.meta import META_MODES


@pytest.mark.parametrize(
    ("mode", "confidence", "regime", "share"),
    [
        ("rule_only", 0.9, None, 0.0),
        ("rl_only", 0.1, None, 1.0),
        ("confidence_blend", 0.71, None, 0.7),
        ("confidence_blend", 0.7, None, 0.5),
        ("confidence_blend", 0.4, None, 0.3),
        ("confidence_blend", None, None, 0.3),
        ("regime_adaptive", 0.5, "trending", 0.8),
        ("regime_adaptive", 0.5, "volatile", 0.2),
        ("regime_adaptive", 0.5, "ranging", 0.6),
        ("regime_adaptive", 0.5, None, 0.6),
    ],
)
def test_shares(mode: str, confidence: float | None, regime: str | None, share: float) -> None:
    decision = mf.MetaController(mode).decide(-1.0, 1.0, confidence=confidence, regime=regime)
    assert decision.rl_share == share
    assert decision.position == share - (1.0 - share)
    assert (decision.method, decision.rule, decision.rl, decision.confidence) == (mode, -1.0, 1.0, confidence)


def test_labels_stand_for_positions() -> None:
    controller = mf.MetaController()
    labels = {"Strong Buy": 1.0, "Buy": 0.6, "Weak Buy": 0.3, "Neutral": 0.0, "Sell": -0.6, "Mean Reversion Sell": -0.4}
    assert {label: controller.decide(label).position for label in labels} == labels
    with pytest.raises(mf.ParameterError, match="Hold"):
        controller.decide("Hold")


def test_missing_inputs() -> None:
    assert mf.MetaController("confidence_blend").decide(0.8).method == "rule_only"
    assert mf.MetaController("regime_adaptive").decide(0.8, float("nan")).position == 0.8
    nothing = mf.MetaController("rl_only").decide(0.8)
    assert (nothing.position, nothing.method, nothing.rl) == (0.0, "rl_only", None)
    assert mf.MetaController("confidence_blend").decide(None, 1.0, confidence=0.9).position == 0.7
    with pytest.raises(mf.ParameterError, match="sideways"):
        mf.MetaController("regime_adaptive").decide(0.1, 0.2, regime="sideways")


def test_frame_equals_rows() -> None:
    table = pl.DataFrame(
        {
            "consensus": [0.5, None, -1.0, 0.2],
            "rl": [1.0, 0.4, None, -1.0],
            "confidence": [0.9, 0.5, 0.5, None],
            "market_regime": ["trending", "volatile", None, "normal"],
        }
    )
    for mode in META_MODES:
        controller = mf.MetaController(mode)
        out = controller.decide_frame(table)
        for i, row in enumerate(table.iter_rows(named=True)):
            one = controller.decide(
                row["consensus"], row["rl"], confidence=row["confidence"], regime=row["market_regime"]
            )
            assert out.row(i) == (one.position, one.method, one.rl_share, one.rule, one.rl)
    assert mf.MetaController().decide_frame(pl.DataFrame({"rule": [0.25]}))["position"].to_list() == [0.25]
    with pytest.raises(mf.DataError, match="rule or consensus"):
        mf.MetaController().decide_frame(pl.DataFrame({"rl": [0.25]}))


def test_numbers_are_checked() -> None:
    for options, message in [
        ({"mode": "rules"}, "mode"),
        ({"low_share": 1.5}, "meta.low_share = 1.5"),
        ({"medium_confidence": 0.8}, "meta.medium_confidence = 0.8"),
    ]:
        with pytest.raises(mf.ParameterError, match=message):
            mf.MetaController(**options)
