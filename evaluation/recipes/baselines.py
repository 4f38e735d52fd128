"""Stable-Baselines3: policies, buffers and normalisers."""

from __future__ import annotations

import gymnasium
import numpy as np
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.save_util import load_from_pkl, save_to_pkl
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from evaluation.specimens import Recipe, Way, pickled

STATE = np.zeros(4, dtype=np.float32)
OWN_CODE = "functions and classes by value: cloudpickle"


def own(cls: type) -> Way:
    """Save and load with the library's own methods."""
    return Way("save", ".zip", lambda model, path: model.save(path), lambda path: cls.load(path, device="cpu"))


BUFFER = Way("save_to_pkl", ".pkl", lambda made, path: save_to_pkl(path, made), load_from_pkl)
RECIPE = Recipe(lambda model: model.predict(STATE, deterministic=True)[0], BUFFER)


@RECIPE.model("stable_baselines3.PPO", ways=(own(PPO),), code=OWN_CODE)
def ppo():
    return PPO(
        "MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, policy_kwargs={"net_arch": [4]}, seed=0, device="cpu"
    )


@RECIPE.model("stable_baselines3.A2C", ways=(own(A2C),), code=OWN_CODE)
def a2c():
    return A2C("MlpPolicy", "CartPole-v1", policy_kwargs={"net_arch": [4]}, seed=0, device="cpu")


@RECIPE.model(
    "stable_baselines3.common.policies.ActorCriticPolicy",
    ways=(Way("save", ".pth", lambda model, path: model.save(path), ActorCriticPolicy.load),),
    code="a learning-rate schedule by value: cloudpickle",
)
def policy():
    return ppo().policy


@RECIPE.model("stable_baselines3.common.buffers.ReplayBuffer", predict=lambda made: made.observations[:1].flatten())
def replay_buffer():
    return DQN("MlpPolicy", "CartPole-v1", buffer_size=4, learning_starts=1, seed=0, device="cpu").replay_buffer


@RECIPE.model(
    "stable_baselines3.common.vec_env.VecNormalize",
    predict=lambda made: made.obs_rms.mean,
    ways=(pickled(4), pickled(2)),
)
def normaliser():
    return VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]))
