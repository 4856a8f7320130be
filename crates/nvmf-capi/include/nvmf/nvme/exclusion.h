/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For programs that include <nvme/exclusion.h>: all of libnvme's names that libnvmf has. */
#pragma once

#include "../libnvme.h"
