#!/bin/sh
# Builds the DMG of the app that build.py made. Not tried yet.
# CODESIGN_IDENTITY="Developer ID Application: …" signs the app; NOTARY_PROFILE=… of
# `xcrun notarytool store-credentials` has Apple check it. Without them, neither is done.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/pyproject.toml")
app="$root/build/package/dist/Kaika Bridge.app"
target="$root/build/package/dist/kaika-bridge-$version-$(uname -m).dmg"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$app" "$folder/"
ln -s /Applications "$folder/Applications"
if [ -n "${CODESIGN_IDENTITY:-}" ]; then
    codesign --force --deep --options runtime --timestamp --sign "$CODESIGN_IDENTITY" \
        --entitlements "$root/packaging/macos/entitlements.plist" "$folder/Kaika Bridge.app"
fi
rm -f "$target"
hdiutil create -volname "Kaika Bridge" -srcfolder "$folder" -format UDZO "$target"
if [ -n "${NOTARY_PROFILE:-}" ]; then
    xcrun notarytool submit "$target" --keychain-profile "$NOTARY_PROFILE" --wait
    xcrun stapler staple "$target"
fi
echo "Built: $target"
