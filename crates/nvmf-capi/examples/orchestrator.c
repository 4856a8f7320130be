/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An orchestrator in C that gets along with the others on a host:
 *
 *     orchestrator my-csi-driver nvme3 'transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a'
 *
 * It asks whether it may connect, takes the controller over if nobody owns it, follows what others
 * do to it, and gives it up. A fourth argument is a folder that stands for the host's root.
 *
 *     cc orchestrator.c $(pkg-config --cflags --libs nvmf)
 */
#include <errno.h>
#include <nvmf.h>
#include <stdlib.h>

static int failed(const char *what)
{
	char *why = nvmf_error_message();

	fprintf(stderr, "%s: %s\n", what, why ? why : "failed");
	free(why);
	return 1;
}

static void changed(const struct nvmf_registry_change *c, void *user_data)
{
	(void)user_data;
	printf("%s %s: %s -> %s\n", c->device, c->attribute ? c->attribute : "owner",
	       c->before ? c->before : "-", c->after ? c->after : "-");
}

int main(int argc, char **argv)
{
	struct nvmf_host *host = nvmf_host_new(argc > 4 ? argv[4] : NULL);
	struct nvmf_registry_watch *watch = NULL;
	struct nvmf_tid *tid = NULL;
	char *text = NULL;
	uint64_t ino;
	int rc = 1;

	if (argc < 4 || nvmf_tid_parse(argv[3], &tid) || nvmf_registry_watch_new(host, &watch)) {
		failed("usage: orchestrator OWNER DEVICE TRANSPORT-ID [ROOT]");
	} else if (nvmf_exclusion_match(host, tid, false, &text) > 0) {
		printf("must not be connected: %s\n", text);
	} else if (nvmf_controller_ino(host, argv[2], &ino)) { /* here it would connect */
		failed(argv[2]);
	} else if ((rc = nvmf_registry_claim(host, argv[2], ino, argv[1], &text)) == -EBUSY) {
		printf("%s is %s's: hands off\n", argv[2], text);
	} else if (rc || nvmf_registry_set(host, argv[2], "volume", "pvc-0042")) {
		rc = failed("claim");
	} else { /* … it looks after it, and before it disconnects it: is it still ours? … */
		rc = nvmf_registry_release(host, argv[2], argv[1], NULL) ? failed("release") : 0;
		nvmf_registry_watch_changes(watch, changed, NULL);
	}
	free(text);
	nvmf_registry_watch_free(watch);
	nvmf_tid_free(tid);
	nvmf_host_free(host);
	return rc ? 1 : 0;
}
