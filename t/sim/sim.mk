# sim.mk - builds the Exchange 2003 simulator as mod_owasim.so in a private directory.
#
#   make -f t/sim/sim.mk OUT=DIR            the module          -> DIR/mod_owasim.so
#   make -f t/sim/sim.mk OUT=DIR units      its unit programs   -> DIR/test_*
#
# GNU make. Nothing is written outside OUT. t/sim/run calls this by itself.

SIM := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
OUT ?= .build/sim
APXS ?= apxs
CC ?= gcc

SIM_SRC := $(filter-out $(SIM)/test_%,$(wildcard $(SIM)/*.c))
SIM_OBJ := $(SIM_SRC:$(SIM)/%.c=$(OUT)/%.o)
SIM_UNITS := $(patsubst $(SIM)/%.c,$(OUT)/%,$(wildcard $(SIM)/test_*.c))

SIM_CPPFLAGS := $(shell $(APXS) -q EXTRA_CPPFLAGS) -isystem $(shell $(APXS) -q INCLUDEDIR) \
	-isystem $(shell apr-1-config --includedir) $(shell xml2-config --cflags)
SIM_LIBS := -lxml2 -lical -ljansson
SIM_CFLAGS := -std=gnu11 -O2 -g -fPIC -Wall -Wextra -pthread $(SIM_EXTRA)

.PHONY: all units
all: $(OUT)/mod_owasim.so

$(OUT)/mod_owasim.so: $(SIM_OBJ)
	$(CC) -shared -Wl,-Bsymbolic -pthread $(SIM_EXTRA) -o $@.new $^ $(SIM_LIBS)
	mv -f $@.new $@

$(OUT)/%.o: $(SIM)/%.c $(SIM)/sim.mk
	@mkdir -p $(OUT)
	$(CC) $(SIM_CPPFLAGS) $(SIM_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

units: $(SIM_UNITS)

# a unit program tests one file that knows neither httpd nor the store
$(OUT)/test_%: $(SIM)/test_%.c $(OUT)/%.o
	$(CC) $(SIM_CPPFLAGS) $(SIM_CFLAGS) $(CFLAGS) -I$(SIM)/../unit -o $@ $^ \
		$(shell apr-1-config --link-ld --libs) $(shell apu-1-config --link-ld --libs)

-include $(SIM_OBJ:.o=.d)
