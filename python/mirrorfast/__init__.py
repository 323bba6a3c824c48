"""mirrorfast: scan markets, research strategies, backtest, and run exactly the same code live."""
