# The sandbox, for a team: both APIs on port 8025. See docs/how-to/team-sandbox.md.

FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY engagelab_async engagelab_async
RUN python -m venv /opt/sandbox \
    && /opt/sandbox/bin/python -m pip install --no-cache-dir ".[cli,sandbox]"

FROM python:3.13-slim
COPY --from=build /opt/sandbox /opt/sandbox
# A volume on /data takes over whose it is.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sandbox \
    && install --directory --owner=sandbox /data
USER 10001
# Without the buffer, what is sent appears in the log at once.
ENV PATH="/opt/sandbox/bin:$PATH" PYTHONUNBUFFERED=1
EXPOSE 8025
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8025/otp/openapi.json', timeout=2)"]
ENTRYPOINT ["engagelab", "sandbox", "--host", "0.0.0.0", "--port", "8025"]
