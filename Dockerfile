# CPU:   docker build -t kdiffe .
# NVIDIA: docker build -t kdiffe --build-arg EXTRA=cuda12 .
FROM python:3.12-slim
ARG EXTRA=""

WORKDIR /opt/kdiffe
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
RUN if [ -n "$EXTRA" ]; then pip install --no-cache-dir "jax[$EXTRA]==$(sed -n 's/^jax==//p' requirements.txt)"; fi
COPY pyproject.toml README.md LICENSE ./
COPY kdiffe_jax kdiffe_jax
COPY launch launch
RUN pip install --no-cache-dir --no-deps .

# Data and runs are mounted here; caches lie below it too.
RUN useradd --home-dir /work --create-home kdiffe
ENV HOME=/work
USER kdiffe
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["launch"]
