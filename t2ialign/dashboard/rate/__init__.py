"""The participants' page: blind rounds in any browser."""
