"""Pictures from prompts: the backbones, their adapters and the one loop that they all go through.

- ``backbone``: what differs between the embedded model, SD-1.5, SD-2.1, SDXL and flow models, hidden; ``text`` is its
  prompt side, ``velocities`` the transformers of flow models
- ``adapters``: LoRA and DoRA files, blends of them, the reference model; ``switch`` keeps track of what is on
- ``schedulers``: the samplers at work, ``flow`` that of rectified flows
- ``noise``: the pure maths of one step
- ``denoise``: the loop, a generator of steps; ``tally`` adds up its mutual information
- ``preview``: a picture of an unfinished step
- ``inputs``: what the loop may be asked for, and the sentences for what it may not
- ``generate``: prompt, config and seeds to pictures, in micro-batches, with previews
"""

from __future__ import annotations

from t2ialign import torchvision_guard

torchvision_guard.install()  # before the first import of diffusers
