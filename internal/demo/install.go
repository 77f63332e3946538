package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// aptLine is what a person runs where the demo may not.
const aptLine = "apt-get install --no-install-recommends prosody prosody-modules"

// needProsody returns nil when Prosody and its community modules are there,
// after installing them where that is possible. The installer asks for root
// or for sudo itself and starts no service.
func needProsody(ctx context.Context, out, errOut io.Writer) error {
	if havePackages() {
		return nil
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	say(out, "The demo needs Prosody, an XMPP server, and its community modules. They are missing, so Debian's")
	say(out, "packages prosody and prosody-modules are installed now. No service is started by that: the demo")
	say(out, "runs a Prosody of its own, on 127.0.0.1 and in a directory that is removed at the end.")
	cmd := exec.CommandContext(ctx, "sh", filepath.Join(root, "deploy", "install-packages.sh"), "prosody", "prosody-modules")
	cmd.Stdout, cmd.Stderr = errOut, errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the installer of Prosody ended with %w: run this as root, then try again:\n    %s", err, aptLine)
	}
	if !havePackages() {
		return fmt.Errorf("no Prosody with its modules is to be found: run this as root, then try again:\n    %s", aptLine)
	}
	return nil
}

// havePackages looks for what the demo uses of both packages.
func havePackages() bool {
	_, missing := exec.LookPath("prosody")
	_, noModules := os.Stat("/usr/lib/prosody/modules/mod_privilege")
	return missing == nil && noModules == nil
}

// moduleRoot is the directory of the checkout.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	mod := strings.TrimSpace(string(out))
	if err != nil || mod == "" || mod == os.DevNull {
		return "", errors.New("not inside the checkout of presenced: go there and run make demo")
	}
	return filepath.Dir(mod), nil
}
