# Builds the MSI of the app that build.py made. Not tried yet.
# Needs WiX 5: dotnet tool install --global wix --version 5.*
# To sign it: signtool sign /fd SHA256 /tr http://timestamp.digicert.com /td SHA256 /n NAME FILE
$ErrorActionPreference = "Stop"
$root = Resolve-Path "$PSScriptRoot\..\.."
$version = (Select-String -Path "$root\pyproject.toml" -Pattern '^version = "(.+)"').Matches[0].Groups[1].Value
$target = "$root\build\package\dist\kaika-bridge-$version-x64.msi"
wix build "$PSScriptRoot\kaika-bridge.wxs" -arch x64 -d "Version=$version" `
    -d "Dist=$root\build\package\dist\Kaika Bridge" -o $target
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
Write-Output "Built: $target"
