"""The doors: what Lambda calls, and the wiring behind them."""
