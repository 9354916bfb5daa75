"""Training an adapter, its axes kept apart. A run is put together from

- data: what a step learns from (``data``: pairs, labelled pictures, weighted pictures; latents encoded once),
- a log-ratio estimate of policy against reference (``log_ratio``),
- a divergence that scores it (``divergences``), a link that makes a loss of the margin (``objectives``),
- regularisers (``regularisers``): penalties that are added, a safeguard that shapes the gradient,

which ``losses`` joins into one callable, and a ``TrainPlan``. ``train.train`` is the one loop.

A policy that learns from what it draws goes another way: ``rollouts`` (pictures with every step's likelihood, a ``Reward``),
``experience`` (which of it becomes examples), ``step_losses``; ``on_policy.train_on_policy`` is its loop.
"""
