"""A prompt becomes scored pictures: requests, seed batches, sweeps, pictures from elsewhere."""
