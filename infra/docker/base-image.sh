#!/bin/sh
# Makes the image debian:bookworm-slim from Debian's own packages, for a machine whose engine reaches no image registry.
#
#   infra/docker/base-image.sh [--mirror URL] [--security URL] [--ca FILE] [--tag NAME] [--engine PROGRAM]
#
# Needs root and debootstrap (apt-get install debootstrap). The packages are those of Debian's official image, their
# signatures are checked; documentation and translations are left out, as there. --ca adds certificate authorities (PEM)
# that HTTPS inside has to trust, such as those of a company's proxy.
set -eu

mirror=http://deb.debian.org/debian
security=http://deb.debian.org/debian-security
tag=debian:bookworm-slim
engine=docker
authorities=
while [ $# -gt 0 ]; do
    case $1 in
        --mirror) mirror=$2 ;;
        --security) security=$2 ;;
        --ca) authorities=$2 ;;
        --tag) tag=$2 ;;
        --engine) engine=$2 ;;
        *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift 2
done
command -v debootstrap >/dev/null || { echo "no debootstrap: apt-get install debootstrap" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/base-image.XXXXXX")
trap 'rm -rf --one-file-system "$folder"' EXIT
trap 'exit 1' INT TERM

debootstrap --variant=minbase bookworm "$folder/root" "$mirror" >"$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; exit 1; }
cat >"$folder/root/etc/apt/sources.list" <<END
deb $mirror bookworm main
deb $mirror bookworm-updates main
deb $security bookworm-security main
END
# What the official slim image does to later packages, too.
cat >"$folder/root/etc/dpkg/dpkg.cfg.d/docker-slim" <<'END'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
END
printf '#!/bin/sh\nexit 101\n' >"$folder/root/usr/sbin/policy-rc.d"
chmod 755 "$folder/root/usr/sbin/policy-rc.d"
chroot "$folder/root" sh -euc 'apt-get update && apt-get upgrade --yes' >>"$folder/log" 2>&1 \
    || { tail -n 20 "$folder/log" >&2; exit 1; }
(
    cd "$folder/root"
    find usr/share/doc -type f ! -name copyright -delete
    rm -rf usr/share/info/* usr/share/locale/* usr/share/man/* var/cache/apt/* var/lib/apt/lists/* var/log/*.log
    rm -f etc/hostname etc/resolv.conf  # this machine's
)
if [ -n "$authorities" ]; then
    mkdir -p "$folder/root/usr/local/share/ca-certificates"
    # one certificate a file, as update-ca-certificates wants them
    awk -v stem="$folder/root/usr/local/share/ca-certificates/added" '
        /BEGIN CERTIFICATE/ {file = sprintf("%s-%03d.crt", stem, ++count)}
        file {print > file}
        /END CERTIFICATE/ {close(file); file = ""}' "$authorities"
fi
tar --numeric-owner -C "$folder/root" -c . | "$engine" import --change 'CMD ["bash"]' - "$tag"
