"""Training an adapter, its axes kept apart. A run is put together from

- data: what a step learns from (``data``: pairs, labelled pictures, weighted pictures; latents encoded once),
- a log-ratio estimate of policy against reference (``log_ratio``),
- a divergence that scores it (``divergences``), a link that makes a loss of the margin (``objectives``),
- regularisers (``regularisers``): penalties that are added, a safeguard that shapes the gradient,

which ``losses`` joins into one callable, and a ``TrainPlan``. ``train.train`` is the one loop.
"""
