"""What a policy draws in one step of training, made into examples: marked pictures, pairs of pictures, or branches.

Each is a frozen record of choices with ``collect``: which transitions are learned from, and with what weight.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.diffusion.denoise import initial_noise
from t2ialign.diffusion.noise import gaussian_log_prob
from t2ialign.training.chains import Chain
from t2ialign.training.replays import joined, without_ties
from t2ialign.training.rollouts import JudgesSteps, Marks, Policy, Replay, Reward, picture_seed, walk

Baseline = Literal["z_score", "mean", "none"]


@dataclass(frozen=True)
class Drawing:
    """What a step draws from: the policy on its chain, the reward, the prompts' rows, and the seed of the step.

    ``folder`` is for what has no room in memory.
    """

    policy: Policy
    chain: Chain
    reward: Reward
    rows: Sequence[int]
    seed: int
    step: int
    folder: Path | None = None

    def seeds(self, group: int, count: int) -> tuple[int, ...]:
        return tuple(picture_seed(self.seed, self.step, group, member) for member in range(count))

    def chance(self, *which: int) -> torch.Generator:
        """For what is drawn beside the pictures."""
        return torch.Generator().manual_seed(picture_seed(self.seed, self.step, -1, *which))


@dataclass(frozen=True)
class Experience:
    """A step's examples; ``reward`` without the share of diversity, and ``diversity``, are means over the groups."""

    replay: Replay
    reward: float
    diversity: float


@runtime_checkable
class Collector(Protocol):
    """How a policy's own pictures become examples.

    ``pictures`` are drawn of each prompt, and the diversity of ``together`` is what a mark may hold a share of.
    """

    @property
    def pictures(self) -> int: ...

    @property
    def together(self) -> int: ...

    def collect(self, drawing: Drawing) -> Experience: ...


@dataclass(frozen=True)
class MarkedPictures:
    """Groups of one prompt; every transition of a picture is weighed by the picture's advantage within its group.

    ``z_score`` divides by the group's spread (DDPO, GRPO), ``mean`` does not (DPOK): only then has a weight of the KL its
    meaning in units of the reward. ``none`` leaves rewards as they are, for a value network. ``limit`` bounds advantages;
    ``share`` of a picture's transitions are learned from; ``same_noise`` starts a group at one and the same noise (DanceGRPO).
    """

    group: int
    baseline: Baseline = "z_score"
    limit: float = 5.0
    share: float = 1.0
    same_noise: bool = False

    @property
    def pictures(self) -> int:
        return self.group

    @property
    def together(self) -> int:
        return self.group

    def collect(self, drawing: Drawing) -> Experience:
        marks: list[Marks] = []
        parts = (self._of_group(drawing, number, row, marks) for number, row in enumerate(drawing.rows))
        return Experience(joined(parts, drawing.folder), *_means(marks))

    def _of_group(self, drawing: Drawing, number: int, row: int, marks: list[Marks]) -> Replay:
        """A group's examples; what it is worth is added to ``marks``."""
        seeds = drawing.seeds(number, self.group)
        paths = walk(drawing.policy, drawing.chain, row, seeds, self._start(drawing, number))
        found = drawing.reward(paths.latents[-1], row, seeds)
        marks.append(found)
        chosen = self._chosen(drawing, number)
        weights = advantages(found.reward.cpu(), self.baseline, self.limit)
        member = torch.arange(self.group).repeat_interleave(chosen.shape[1])
        index, latents, log_probs = chosen.flatten(), paths.latents.cpu(), paths.log_probs.cpu()
        return Replay(
            latents[index, member][:, None],
            latents[index + 1, member][:, None],
            index,
            torch.full_like(index, row),
            log_probs[index, member][:, None],
            weights[member],
        )

    def _start(self, drawing: Drawing, number: int) -> Float[Tensor, "n c h w"] | None:
        if not self.same_noise:
            return None
        channels, height, width = drawing.policy.shape
        noise = initial_noise((channels, height, width), [drawing.chance(number, 1)])
        return noise.repeat(self.group, 1, 1, 1)

    def _chosen(self, drawing: Drawing, number: int) -> Int[Tensor, "n t"]:
        """Which of the chain's steps are learned from, for each picture."""
        steps = drawing.chain.noisy
        count, draw = max(1, round(self.share * steps)), drawing.chance(number, 2)
        return torch.stack([torch.randperm(steps, generator=draw)[:count].sort().values for _ in range(self.group)])


@dataclass(frozen=True)
class PicturePairs:
    """Two pictures of a prompt from one and the same noise; at every step the better picture's transition wins (D3PO).

    ``discount`` below 1 weighs the transitions by discount^k, k = 0 at the first one (DenseReward, Yang et al. 2024). Ties
    teach nothing.
    """

    discount: float = 1.0

    @property
    def pictures(self) -> int:
        return 2

    @property
    def together(self) -> int:
        return 2

    def collect(self, drawing: Drawing) -> Experience:
        marks: list[Marks] = []
        parts = (self._of_two(drawing, number, row, marks) for number, row in enumerate(drawing.rows))
        return Experience(joined(without_ties(parts), drawing.folder), *_means(marks))

    def _of_two(self, drawing: Drawing, number: int, row: int, marks: list[Marks]) -> Replay:
        """The examples of a prompt's two pictures; what they are worth is added to ``marks``."""
        channels, height, width = drawing.policy.shape
        start = initial_noise((channels, height, width), [drawing.chance(number, 1)]).repeat(2, 1, 1, 1)
        seeds = drawing.seeds(number, 2)
        paths = walk(drawing.policy, drawing.chain, row, seeds, start)
        found = drawing.reward(paths.latents[-1], row, seeds)
        marks.append(found)
        first, second = found.reward.tolist()
        order = [0, 1] if first > second else [1, 0]
        index = torch.arange(drawing.chain.noisy)
        latents, log_probs = paths.latents[:, order].cpu(), paths.log_probs[:, order].cpu()
        differs = math.isfinite(first - second) and first != second
        return Replay(
            latents[index],
            latents[index + 1],
            index,
            torch.full_like(index, row),
            log_probs[index],
            self.discount ** index.float() * differs,
        )


@dataclass(frozen=True)
class Branches:
    """At every step ``candidates`` ways on from one x_t; the best against the worst, and a random one goes on (SPO).

    They are marked by the picture that the next step sees in them, ``step_aware`` by a reward that knows the step. The first
    ``skip`` steps teach nothing, nor do pairs whose preference, tanh of half the difference of the marks, is not above
    ``threshold``.

    ``abreast`` pictures of a prompt are drawn side by side, and each way on is marked in a set with what goes on of the
    others. A mark that counts diversity needs that: among the ways on from one x_t alone, whichever lies apart does so by
    the chance of its noise, and nothing that the policy could do makes the prompt's pictures more varied.
    """

    candidates: int = 4
    skip: int = 4
    threshold: float = 0.3
    abreast: int = 1
    step_aware: bool = False

    @property
    def pictures(self) -> int:
        return self.candidates * self.abreast

    @property
    def together(self) -> int:
        return self.candidates + self.abreast - 1

    def collect(self, drawing: Drawing) -> Experience:
        last: list[Marks] = []
        finished: list[Marks] = []
        replay = joined(without_ties(self._pairs(drawing, last, finished)), drawing.folder)
        return Experience(replay, _means(last)[0], _means(finished)[1])

    def _pairs(self, drawing: Drawing, last: list[Marks], finished: list[Marks]) -> Iterator[Replay]:
        """The pairs of each prompt in turn; the marks of its last ways on, and of its finished pictures, are added."""
        for number, row in enumerate(drawing.rows):
            parts, marks, pictures = self._one(drawing, number, row)
            last += marks[-self.abreast :]
            finished += pictures
            yield from parts

    @torch.no_grad()
    def _one(self, drawing: Drawing, number: int, row: int) -> tuple[list[Replay], list[Marks], list[Marks]]:
        """One prompt's ways from noise to picture, with a pair of each at every step, and the finished pictures' marks.

        One picture has no diversity, and is not marked again.
        """
        chain, ways = drawing.chain, [_begun(drawing, number, way, self.candidates) for way in range(self.abreast)]
        parts: list[Replay] = []
        found: list[Marks] = []
        for index in range(chain.noisy):
            forks = [_fork(drawing, way, index, row, self.candidates) for way in ways]
            if index >= self.skip:
                seen = [_seen(drawing.policy, chain, fork.after, index + 1, row) for fork in forks]
                for own, fork in enumerate(forks):
                    others = [place for place in range(len(forks)) if place != own]
                    latents = torch.cat([seen[own], *(seen[place][[forks[place].on]] for place in others)])
                    seeds = (*ways[own].seeds, *(ways[place].seeds[forks[place].on] for place in others))
                    marks = _marked(drawing, latents, index + 1, row, seeds).first(self.candidates)
                    found.append(marks)
                    parts.append(self._pair(fork, marks, index, row))
            ways = [
                replace(way, latents=fork.after[[fork.on]], on=fork.on) for way, fork in zip(ways, forks, strict=True)
            ]
        if self.abreast < 2:
            return parts, found, []
        latents = _seen(drawing.policy, chain, torch.cat([way.latents for way in ways]), chain.noisy, row)
        return parts, found, [drawing.reward(latents, row, tuple(way.seeds[way.on] for way in ways))]

    def _pair(self, fork: _Fork, marks: Marks, index: int, row: int) -> Replay:
        """The best way on and the worst one."""
        best, worst = (int(pick(marks.reward.nan_to_num(nan=fill))) for pick, fill in EXTREMES)
        gap = float(marks.reward[best] - marks.reward[worst])
        known = math.isfinite(gap) and math.tanh(gap / 2) > self.threshold
        pair = fork.after[[best, worst]]
        log_prob = gaussian_log_prob(pair, fork.mean.expand_as(pair), fork.std)
        at, rows = torch.tensor([index]), torch.tensor([row])
        one = (fork.before[None], pair[None], at, rows, log_prob[None], torch.tensor([float(known)]))
        return Replay(*(part.cpu() for part in one))


@dataclass(frozen=True)
class _Way:
    """A picture on its way: what goes on, the chance of each candidate, and that of which one goes on; ``on`` did."""

    latents: Float[Tensor, "1 c h w"]
    seeds: tuple[int, ...]
    generators: tuple[torch.Generator, ...]
    chance: torch.Generator
    on: int = 0


@dataclass(frozen=True)
class _Fork:
    """The ways on from one x_t, ``after``; ``on`` is that which goes on."""

    before: Float[Tensor, "1 c h w"]
    mean: Float[Tensor, "1 c h w"]
    std: Float[Tensor, "1 1 1 1"]
    after: Float[Tensor, "k c h w"]
    on: int


def _begun(drawing: Drawing, number: int, way: int, candidates: int) -> _Way:
    """The ``way``-th picture of a prompt, as noise; the first is the same however many there are."""
    channels, height, width = drawing.policy.shape
    seeds = drawing.seeds(number, candidates * (way + 1))[-candidates:]
    further = (way,) if way else ()
    start = initial_noise((channels, height, width), [drawing.chance(number, 1, *further)])
    generators = tuple(torch.Generator().manual_seed(seed) for seed in seeds)
    chance = drawing.chance(number, *((0, way) if way else ()))
    return _Way(start.to(drawing.policy.device), seeds, generators, chance)


def _fork(drawing: Drawing, way: _Way, index: int, row: int, candidates: int) -> _Fork:
    policy, chain = drawing.policy, drawing.chain
    channels, height, width = policy.shape
    rows = torch.full((1,), row, device=policy.device)
    output = policy.predict(way.latents, chain.timesteps[index][None], rows)
    mean, std = chain.step(output, way.latents, torch.full_like(rows, index))
    after = mean + std * initial_noise((channels, height, width), list(way.generators)).to(mean)
    on = int(torch.randint(candidates, (), generator=way.chance))
    return _Fork(way.latents, mean, std, after, on)


def _marked(drawing: Drawing, seen: Tensor, index: int, row: int, seeds: tuple[int, ...]) -> Marks:
    """What pictures that the chain's step ``index`` sees are worth."""
    if not isinstance(drawing.reward, JudgesSteps):
        return drawing.reward(seen, row, seeds)
    timesteps = drawing.chain.timesteps
    return drawing.reward.at(seen, row, seeds, int(timesteps[index]) if index < len(timesteps) else 0)


EXTREMES = ((torch.argmax, -math.inf), (torch.argmin, math.inf))


def _seen(policy: Policy, chain: Chain, latents: Float[Tensor, "n c h w"], index: int, row: int) -> Tensor:
    """The picture that the chain's step ``index`` sees; after the last one, the latents themselves."""
    if index >= len(chain.timesteps):
        return latents
    rows = torch.full((len(latents),), row, device=latents.device)
    output = policy.predict(latents, chain.timesteps[index].expand(len(latents)), rows)
    return chain.picture(output, latents, index)


def advantages(rewards: Float[Tensor, " n"], baseline: Baseline, limit: float) -> Float[Tensor, " n"]:
    """How much better than its group each picture is, bounded by ``limit``; 0 where a reward is unknown.

    ``mean``: the mean of the others is taken off, so that no picture is its own baseline. ``z_score``: the group's
    mean, and division by its spread. ``none``: the rewards themselves, unknown ones as they are.
    """
    if baseline == "none":
        return rewards.float()
    known = ~rewards.isnan()
    found = torch.zeros_like(rewards, dtype=torch.float32)
    if int(known.sum()) < 2:
        return found
    values = rewards[known].double()
    gap, count = values - values.mean(), len(values)
    spread = float(gap.square().mean().sqrt())
    gap = gap * count / (count - 1) if baseline == "mean" else gap / (spread + 1e-4) if spread > 0 else gap
    found[known] = gap.clamp(-limit, limit).float()
    return found


def _means(marks: Sequence[Marks]) -> tuple[float, float]:
    """Reward and diversity over the groups, unknown ones left out."""
    rewards = torch.tensor([float(one.plain.nanmean()) for one in marks] or [math.nan])
    spreads = torch.tensor([one.diversity for one in marks] or [math.nan])
    return float(rewards.nanmean()), float(spreads.nanmean())
