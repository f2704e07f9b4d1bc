/* owacal.js - optional: all of the pages works without it. It keeps what a page shows up to date, lets one
 * choose several slots of a grid at once, and offers names while one types. It writes no HTML and no style,
 * talks to the server the page came from only, and says nothing in words of its own. */
"use strict";

(() => {
    const REFRESH = 60_000; // ms between two looks, while somebody looks at the page

    /* ---- what is shown stays true ---- */

    const LIVE = ["grid", "next", "mine", "agenda"];
    const live = (root) => [...root.querySelectorAll("[data-owacal]")].filter((e) => LIVE.includes(e.dataset.owacal));
    let looked = Date.now();

    // What was typed and not sent yet is lost with the field it stands in.
    const isTyped = (field) => (field.type === "checkbox" ? field.checked !== field.defaultChecked
        : "defaultValue" in field && field.value !== field.defaultValue);

    function inUse(element) {
        return element.contains(document.activeElement) || element.querySelector(".chosen, details[open]")
            || [...element.querySelectorAll("input, textarea")].some(isTyped);
    }

    // Not form.action: a field may be called so.
    const sentTo = (form) => new URL(form.getAttribute("action") ?? "", location.href).pathname;

    /* A form that came back as an answer is shown at the address it was sent to, not at its page's. */
    const answered = () => [...document.forms].find((f) => f.getAttribute("method") === "post" && sentTo(f) === location.pathname);

    function address() {
        const page = new URL(answered()?.elements.namedItem("return")?.value || location.href, location.origin);
        return page.origin === location.origin ? page : new URL(location.href);
    }

    /* Around it stands the day that was sent in it, which that address does not say. */
    function answeredDay() {
        const probe = document.createElement("input"), day = answered()?.elements.namedItem("date")?.defaultValue ?? "";
        probe.type = "date";
        probe.value = day; // no date, no value
        return day > "1970-01-01" && day < "2200" ? probe.value : "";
    }

    async function refresh() {
        looked = Date.now();
        const now = live(document);
        if (now.length === 0) {
            return;
        }
        const page = address(), day = answeredDay();
        if (day) {
            page.searchParams.set("owacal-day", day);
        }
        const reply = await fetch(page.pathname + page.search, { headers: { Accept: "text/html" } });
        if (!reply.ok || reply.redirected) {
            return;
        }
        const then = live(new DOMParser().parseFromString(await reply.text(), "text/html"));
        if (then.length !== now.length) {
            return; // the page itself has changed, or another one stands here (the answer to a form)
        }
        now.forEach((element, i) => {
            const kind = element.dataset.owacal; // one's own bookings are not those of that day
            if (kind === then[i].dataset.owacal && !inUse(element) && !(day && kind === "mine")) {
                element.replaceChildren(...then[i].childNodes);
            }
        });
    }

    function maybe() {
        if (!document.hidden && Date.now() - looked >= REFRESH) {
            refresh().catch(() => {}); // the next look is a minute away; what stands here says its time
        }
    }

    setInterval(maybe, 5_000);
    document.addEventListener("visibilitychange", maybe);
    document.addEventListener("owacal:refresh", () => refresh().catch(() => {}));

    /* ---- several slots at once: Shift and the arrow keys, or the pointer ---- */

    const said = document.createElement("div");
    said.className = "owacal-said";
    said.setAttribute("role", "status");
    document.body.append(said);

    let from = null, to = null, dragging = false, dragged = false;

    const linkOf = (node) => (node instanceof Element ? node.closest(".owacal-grid td.free")?.querySelector("a") : null);
    const cellsOf = (link) => [...link.closest("tr").cells];

    /* The links from one to the other, if every slot between them is free. */
    function between(a, b) {
        const cells = cellsOf(a);
        let [i, k] = [cells.indexOf(a.parentElement), cells.indexOf(b.parentElement)];
        if (i < 0 || k < 0) {
            return null;
        }
        if (i > k) {
            [i, k] = [k, i];
        }
        const links = cells.slice(i, k + 1).map((cell) => cell.querySelector("a"));
        return links.every(Boolean) ? links : null;
    }

    function clear() {
        document.querySelectorAll(".chosen").forEach((cell) => cell.classList.remove("chosen"));
        from = to = null;
        dragged = false;
    }

    function choose(a, b) {
        const links = between(a, b);
        if (!links) {
            return false;
        }
        clear();
        [from, to] = [a, b];
        links.forEach((link) => link.parentElement.classList.add("chosen"));
        const first = wanted(links[0]), last = wanted(links[links.length - 1]);
        said.textContent = `${links[0].closest("tr").cells[0].textContent} ${first.start.slice(11)}\u2013${last.end.slice(11)}`;
        return true;
    }

    function wanted(link) {
        const query = new URL(link.href).searchParams;
        const get = (name) => query.get(`owacal-${name}`) ?? query.get(name) ?? "";
        return { room: get("room"), start: get("start"), end: get("end") };
    }

    function fill(form, wish) {
        const field = (name) => form.elements.namedItem(name);
        const set = (name, value) => {
            const input = field(name);
            if (!input || !("value" in input)) {
                return;
            }
            input.value = value;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        };
        const time = (name, value) => set(name, field(name)?.type === "time" ? value.slice(11) : value);
        set("room", wish.room);
        if (field("date")?.type === "date") {
            set("date", wish.start.slice(0, 10));
        }
        time("start", wish.start);
        time("end", wish.end);
        set("duration", "");
        set("end_date", wish.end.slice(0, 10) === wish.start.slice(0, 10) ? "" : wish.end.slice(0, 10)); // to midnight
        (field("subject")?.value ? field("start") : field("subject"))?.focus();
    }

    function take(link) {
        const links = from && to && between(from, to)?.includes(link) ? between(from, to) : [link];
        const wish = wanted(links[0]);
        wish.end = wanted(links[links.length - 1]).end;
        clear();
        const target = new URL(link.href);
        const form = document.querySelector("[data-owacal=form] form");
        if (form && [location.pathname, address().pathname].includes(target.pathname)) {
            fill(form, wish);
            return;
        }
        for (const name of ["end", "owacal-end"]) {
            if (target.searchParams.has(name)) {
                target.searchParams.set(name, wish.end);
            }
        }
        for (const name of ["start", "owacal-start"]) {
            if (target.searchParams.has(name)) {
                target.searchParams.set(name, wish.start);
            }
        }
        location.assign(target);
    }

    function step(link, key) {
        const row = link.closest("tr"), column = link.parentElement.cellIndex;
        const ahead = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
        if (key === "ArrowLeft" || key === "ArrowRight") {
            for (let i = column + ahead; i > 0 && i < row.cells.length; i += ahead) {
                const next = row.cells[i].querySelector("a");
                if (next) {
                    return next;
                }
            }
            return null;
        }
        const rows = [...row.parentElement.rows];
        for (let i = rows.indexOf(row) + ahead; i >= 0 && i < rows.length; i += ahead) {
            const next = rows[i].cells[column]?.querySelector("a");
            if (next) {
                return next;
            }
        }
        return null;
    }

    document.addEventListener("keydown", (event) => {
        const link = linkOf(event.target);
        if (!link || event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        if (event.key === "Escape") {
            clear();
            said.textContent = "";
        } else if (event.key.startsWith("Arrow")) {
            const next = step(link, event.key);
            event.preventDefault();
            if (event.shiftKey) {
                if (next && choose(from?.isConnected ? from : link, next)) { // a refresh puts other links there
                    next.focus();
                }
            } else {
                clear();
                next?.focus();
            }
        }
    });

    document.addEventListener("pointerdown", (event) => {
        const link = linkOf(event.target);
        dragging = Boolean(link) && event.button === 0 && event.pointerType !== "touch"; // a finger scrolls
        if (dragging) {
            clear();
            from = link;
        }
    });
    document.addEventListener("dragstart", (event) => {
        if (linkOf(event.target)) {
            event.preventDefault();
        }
    });
    document.addEventListener("pointermove", (event) => {
        const link = dragging && linkOf(document.elementFromPoint(event.clientX, event.clientY));
        if (link && from && link !== (to ?? from) && choose(from, link)) {
            dragged = true;
        }
    });
    document.addEventListener("pointerup", (event) => {
        const link = dragged && to;
        if (dragging && !to) {
            from = null; // let go elsewhere: no range has begun
        }
        dragging = false;
        if (link && linkOf(event.target)) {
            take(link);
        }
    });
    document.addEventListener("click", (event) => {
        const link = linkOf(event.target);
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) {
            return;
        }
        event.preventDefault();
        take(link);
    });

    /* ---- names while one types ---- */

    const LEAST = 2; // characters; the server refuses fewer
    let people = true; // until the server says that it has no address book

    function base(form) {
        return sentTo(form).replace(/\/bookings(\/.*)?$/, "");
    }

    function complete(input, number) {
        const box = document.createElement("span"), list = document.createElement("ul");
        let timer = 0, asked = 0, at = -1;

        box.className = "owacal-names";
        list.id = `owacal-names-${number}`;
        list.hidden = true;
        list.setAttribute("role", "listbox");
        list.setAttribute("aria-label", input.labels?.[0]?.textContent ?? "");
        input.replaceWith(box);
        box.append(input, list);
        for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false",
            "aria-controls": list.id, "aria-autocomplete": "list", autocomplete: "off" })) {
            input.setAttribute(name, value);
        }

        const typed = () => input.value.slice(input.value.search(/[^,;\n]*$/)).trim();

        function show(entries) {
            list.replaceChildren(...entries.map((entry, i) => {
                const item = document.createElement("li");
                item.id = `${list.id}-${i}`;
                item.setAttribute("role", "option");
                item.setAttribute("aria-selected", "false");
                item.dataset.address = entry.address;
                item.textContent = `${entry.name} <${entry.address}>`;
                return item;
            }));
            list.hidden = entries.length === 0;
            input.setAttribute("aria-expanded", String(!list.hidden));
            mark(-1);
        }

        function mark(i) {
            at = i;
            [...list.children].forEach((item, k) => item.setAttribute("aria-selected", String(k === i)));
            if (i < 0) {
                input.removeAttribute("aria-activedescendant");
            } else {
                input.setAttribute("aria-activedescendant", list.children[i].id);
            }
        }

        function put(item) {
            const rest = input.value.slice(0, input.value.search(/[^,;\n]*$/)).trimEnd();
            input.value = `${rest}${rest ? " " : ""}${item.dataset.address}`;
            show([]);
            input.focus();
        }

        async function look() {
            const text = typed(), mine = ++asked;
            if (!people || text.length < LEAST || text.includes("@")) {
                show([]);
                return;
            }
            const reply = await fetch(`${base(input.form)}/people?q=${encodeURIComponent(text)}`,
                { headers: { Accept: "application/json" } });
            people = reply.status !== 404;
            const found = reply.ok ? (await reply.json()).people ?? [] : [];
            if (mine === asked && document.activeElement === input) {
                show(found.filter((entry) => entry.kind === "person" && entry.address).slice(0, 8));
            }
        }

        input.addEventListener("input", () => {
            clearTimeout(timer);
            timer = setTimeout(() => look().catch(() => show([])), 250);
        });
        input.addEventListener("keydown", (event) => {
            if (list.hidden) {
                return;
            }
            const count = list.children.length;
            if (event.key === "ArrowDown" || event.key === "ArrowUp") {
                event.preventDefault();
                mark(event.key === "ArrowDown" ? (at + 1) % count : (at <= 0 ? count : at) - 1);
            } else if (event.key === "Enter" && at >= 0) {
                event.preventDefault();
                put(list.children[at]);
            } else if (event.key === "Escape") {
                event.preventDefault();
                show([]);
            }
        });
        input.addEventListener("blur", () => show([]));
        list.addEventListener("pointerdown", (event) => {
            event.preventDefault(); // the field keeps the focus
            const item = event.target.closest("li");
            if (item) {
                put(item);
            }
        });
    }

    document.querySelectorAll("form input[name=required], form input[name=optional]").forEach(complete);
})();
