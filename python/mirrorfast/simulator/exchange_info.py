"""How Binance describes a symbol and its filters."""

from typing import Any

from mirrorfast.simulator.market import Instrument

__all__ = ["futures_info", "spot_info"]


def spot_info(i: Instrument) -> dict[str, Any]:
    """Entry in ``GET /api/v3/exchangeInfo``."""
    algo = ["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
    percent = {"avgPriceMins": 5}
    return {
        "symbol": i.id,
        "status": i.status,
        "baseAsset": i.base,
        "baseAssetPrecision": 8,
        "quoteAsset": i.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", *algo],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": f"{i.tick:.8f}",
                "maxPrice": "10000000.00000000",
                "tickSize": f"{i.tick:.8f}",
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": f"{i.quantity(i.min_lots):.8f}",
                "maxQty": f"{i.quantity(i.max_lots):.8f}",
                "stepSize": f"{i.lot:.8f}",
            },
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": f"{i.quantity(i.max_lots):.8f}",
                "stepSize": "0.00000000",
            },
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": 10,
                "maxTrailingAboveDelta": 2000,
                "minTrailingBelowDelta": 10,
                "maxTrailingBelowDelta": 2000,
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": str(i.percent_up),
                "bidMultiplierDown": str(i.percent_down),
                "askMultiplierUp": str(i.percent_up),
                "askMultiplierDown": str(i.percent_down),
                **percent,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": f"{i.min_notional:.8f}",
                "applyMinToMarket": True,
                "maxNotional": f"{i.max_notional:.8f}",
                "applyMaxToMarket": False,
                **percent,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": i.max_orders},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": i.max_algo_orders},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def futures_info(i: Instrument) -> dict[str, Any]:
    """Entry in ``GET /fapi/v1/exchangeInfo``."""
    tick, lot = f"{i.tick:f}", f"{i.lot:f}"
    least, most = i.quantity_text(i.min_lots), i.quantity_text(i.max_lots)
    return {
        "symbol": i.id,
        "pair": i.id,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": i.series.start,
        "status": "TRADING" if i.status == "TRADING" else "SETTLING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": i.base,
        "quoteAsset": i.quote,
        "marginAsset": i.quote,
        "pricePrecision": i.price_digits,
        "quantityPrecision": i.lot_digits,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": i.max_orders},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": i.max_algo_orders},
            {"filterType": "MIN_NOTIONAL", "notional": f"{i.min_notional:f}"},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": f"{i.percent_up:f}",
                "multiplierDown": f"{i.percent_down:f}",
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": [
            "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }  # fmt: skip
