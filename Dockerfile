# A Docker Space, or any machine with Docker (add --gpus all to run where there is an NVIDIA card):
#   docker build -t t2ialign . && docker run -p 7860:7860 -v t2ialign:/data t2ialign
FROM python:3.12-slim

# Without a GPU, give the address of PyTorch's index of CPU builds (its website has it): 0.2 GB instead of 3.
ARG TORCH_INDEX=""

# Spaces run containers as user 1000; the store lives in /data, a volume where one is mounted.
RUN useradd --create-home --uid 1000 user && install -d -o user -g user /data
USER user
WORKDIR /home/user/app
ENV PATH=/home/user/.local/bin:$PATH PYTHONUNBUFFERED=1 GRADIO_SERVER_NAME=0.0.0.0 GRADIO_ANALYTICS_ENABLED=False

COPY --chown=user requirements.txt .
RUN PIP_EXTRA_INDEX_URL="${TORCH_INDEX}" pip install --no-cache-dir --user -r requirements.txt
COPY --chown=user . .

EXPOSE 7860
HEALTHCHECK --start-period=90s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=5)"]
# A mounted /data that user 1000 may not write falls back to the home folder. On a Space it is a bucket, which has no locks.
CMD ["sh", "-c", "if [ -w /data ] && [ -z \"$SPACE_ID\" ]; then export T2IALIGN_HOME=/data; fi; exec python -m t2ialign serve"]
