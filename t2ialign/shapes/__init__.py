"""The embedded world: a tiny universe of coloured shapes in which alignment and diversity are known.

grammar     what can be said: prompts, their parse, the atomic claims, train and held-out test combinations
scene       what can be drawn: the factors of a scene, drawn from the habitats
render      factors to pixels: anti-aliased signed distances
reader      the oracle's network: pixels back to factors
oracle      the truth about a picture: which claims hold, what the free factors are
annotator   raters with a known taste
tokenizer   the word list as CLIP tokenizer files
pretrain    trains the base and the scorers that ship in checkpoints/
evaluate    measures every promise of docs/embedded-world.md
"""
