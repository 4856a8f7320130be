/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The signatures that libnvme documents: another one does not compile. */
#include <nvme/exclusion.h>
#include <nvme/lib.h>
#include <nvme/registry.h>
#include <nvme/tid.h>

typedef struct libnvme_global_ctx ctx;
typedef struct libnvmf_tid tid;
typedef void callback_1(const char *, void *);
typedef void callback_2(const char *, const char *, void *);

ctx *(*create)(void) = libnvme_create_global_ctx;
void (*free_ctx)(ctx *) = libnvme_free_global_ctx;
int (*set_owner)(ctx *, const char *) = libnvme_set_owner;
int (*set_base)(ctx *, const char *) = libnvme_set_test_base_dir;
int (*set_sysfs)(ctx *, const char *) = libnvme_set_test_sysfs_dir;
void (*set_level)(ctx *, int, bool, bool) = libnvme_set_logging_level;
int (*get_level)(ctx *, bool *, bool *) = libnvme_get_logging_level;
void (*set_file)(ctx *, FILE *) = libnvme_set_logging_file;

int (*retrieve)(ctx *, const char *, const char *, char **) = libnvmf_registry_retrieve;
int (*equal)(ctx *, const char *, const char *, const char *) = libnvmf_registry_attr_equal;
int (*update)(ctx *, const char *, const char *, const char *) = libnvmf_registry_update;
int (*delete_entry)(ctx *, const char *) = libnvmf_registry_delete;
int (*devices)(ctx *, callback_1 *, void *) = libnvmf_registry_device_for_each;
int (*attrs)(ctx *, const char *, callback_2 *, void *) = libnvmf_registry_attr_for_each;

bool (*match)(ctx *, const tid *) = libnvmf_exclusion_match;
bool (*valid)(ctx *, const char *) = libnvmf_exclusion_entry_valid;
int (*lists)(ctx *, callback_1 *, void *) = libnvmf_exclusion_list_for_each;
int (*entries)(ctx *, const char *, callback_1 *, void *) = libnvmf_exclusion_entry_for_each;
int (*create_list)(ctx *, const char *) = libnvmf_exclusion_create;
int (*delete_list)(ctx *, const char *) = libnvmf_exclusion_delete;
int (*add)(ctx *, const char *, const char *) = libnvmf_exclusion_add;
int (*add_nqn)(ctx *, const char *, const char *) = libnvmf_exclusion_add_subsysnqn;
int (*remove_entry)(ctx *, const char *, const char *) = libnvmf_exclusion_remove;
int (*read_list)(ctx *, const char *, char **, uint64_t *) = libnvmf_exclusion_read;
int (*write_list)(ctx *, const char *, const char *, uint64_t) = libnvmf_exclusion_write;

int (*from_fields)(const char *, const char *, const char *, const char *, const char *,
		   const char *, const char *, const char *, tid **) = libnvmf_tid_from_fields;
int (*new_tid)(tid **) = libnvmf_tid_new;
int (*parse)(ctx *, const char *, tid **) = libnvmf_tid_parse;
int (*parse_strict)(ctx *, const char *, tid **) = libnvmf_tid_parse_strict;
tid *(*dup)(const tid *) = libnvmf_tid_dup;
int (*set_identity)(tid *, const char *, const char *, const char *) = libnvmf_tid_set_identity;
bool (*is_empty)(const tid *) = libnvmf_tid_is_empty;
bool (*is_numeric)(const char *) = libnvmf_traddr_is_numeric;
void (*free_tid)(tid *) = libnvmf_tid_free;
const char *(*getters[])(const tid *) = {
	libnvmf_tid_get_canonical,  libnvmf_tid_str,
	libnvmf_tid_get_transport,  libnvmf_tid_get_traddr,
	libnvmf_tid_get_trsvcid,    libnvmf_tid_get_subsysnqn,
	libnvmf_tid_get_host_traddr, libnvmf_tid_get_host_iface,
	libnvmf_tid_get_hostnqn,    libnvmf_tid_get_hostid,
};

int main(void)
{
	for (size_t i = 0; i < sizeof(getters) / sizeof(*getters); i++)
		if (getters[i](NULL))
			return 1;
	return 0;
}
