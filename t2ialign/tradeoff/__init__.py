"""What the trade-off chart means: points with intervals, the Pareto front, correlation, dose and response."""
