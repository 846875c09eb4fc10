#!/bin/sh
# Makes primer.ul with flite: two voices, telephone band (300-3400 Hz), mu-law 8 kHz. Needs `flite` and `sox`.
set -eu
cd "$(dirname "$0")"
flite -voice rms -t "good morning, i would like to make an appointment" -o primer-a.wav
flite -voice slt -t "thank you very much, that is fine" -o primer-b.wav
sox primer-a.wav primer-b.wav -r 8000 -c 1 -t raw -e mu-law -b 8 primer.ul gain -6 sinc 300-3400 pad 0.3 0.3
rm primer-a.wav primer-b.wav
