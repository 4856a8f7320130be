/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Many threads claim one controller at once, with one host and one context between them. */
#include <libnvme.h>
#include <nvmf.h>
#include <pthread.h>

#include "check.h"

#define THREADS 8
#define ROUNDS 10

static struct nvmf_host *host;
static struct libnvme_global_ctx *ctx;
static pthread_barrier_t start, end;
static int granted[ROUNDS];

static void *claim(void *name)
{
	for (int round = 0; round < ROUNDS; round++) {
		char *other = NULL;
		int rc;

		pthread_barrier_wait(&start);
		rc = nvmf_registry_claim(host, "nvme3", 0, name, &other);
		if (rc == 0) {
			__atomic_add_fetch(&granted[round], 1, __ATOMIC_SEQ_CST);
		} else {
			char *message = nvmf_error_message();

			RETURNS(-EBUSY, rc);
			CHECK(strstr(message, other));
			CHECK(strcmp(other, name));
			free(message);
			free(other);
		}
		RETURNS(0, libnvmf_exclusion_add(ctx, "list", "nqn=a"));
		pthread_barrier_wait(&end);
		if (rc == 0)
			RETURNS(0, nvmf_registry_release(host, "nvme3", name, NULL));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static char names[THREADS][8];
	pthread_t threads[THREADS];
	char folder[400];

	CHECK(argc == 2);
	host = nvmf_host_new(argv[1]);
	ctx = libnvme_create_global_ctx();
	snprintf(folder, sizeof(folder), "%s/flat", argv[1]);
	RETURNS(0, libnvme_set_test_base_dir(ctx, folder));
	CHECK(!pthread_barrier_init(&start, NULL, THREADS));
	CHECK(!pthread_barrier_init(&end, NULL, THREADS));
	for (int i = 0; i < THREADS; i++) {
		snprintf(names[i], sizeof(names[i]), "t%d", i);
		CHECK(!pthread_create(&threads[i], NULL, claim, names[i]));
	}
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	for (int round = 0; round < ROUNDS; round++)
		CHECK(granted[round] == 1);
	pthread_barrier_destroy(&start);
	pthread_barrier_destroy(&end);
	libnvme_free_global_ctx(ctx);
	nvmf_host_free(host);
	return 0;
}
