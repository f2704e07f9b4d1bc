/* Parser and evaluation of the SEARCH SQL: see sql.h. Written from the SDK's SQL pages and what
 * published clients send; identifiers in double quotes, literals in single ones. */
#include "sql.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 64
#define NODES_MAX 2000 /* the tree of a chain of ANDs is as deep as the chain is long */

typedef enum { N_AND, N_OR, N_NOT, N_COMPARE, N_LIKE, N_NULL } node_kind_t;
typedef enum { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE } op_t;

struct sim_sql_node_t {
    node_kind_t kind;
    sim_sql_node_t *a, *b;
    sim_ask_t ask;
    op_t op;
    const char *text; /* literal */
    int is_date; /* it reads as a date-time: `when` */
    apr_time_t when;
};

typedef enum { T_END, T_WORD, T_NAME, T_TEXT, T_NUMBER, T_SIGN } token_t;

typedef struct parser_t {
    sim_req_t *q;
    const char *at;
    token_t token;
    const char *text; /* of the token; a sign's characters */
    const char *error;
    int depth, nodes;
} parser_t;

/* ---- tokens ---- */

static const char *quoted(parser_t *s, char quote)
{
    const char *from = s->at;
    char *out = apr_palloc(s->q->p, strlen(from) + 1), *o = out;

    for (;; from++) {
        if (!*from) {
            s->error = "a quote is not closed";
            break;
        }
        if (*from == quote) {
            if (from[1] != quote) {
                from++;
                break;
            }
            from++;
        }
        *o++ = *from;
    }
    *o = '\0';
    s->at = from;
    return out;
}

static void next(parser_t *s)
{
    const char *from;

    s->at += strspn(s->at, " \t\r\n");
    from = s->at;
    if (!*from) {
        s->token = T_END;
        s->text = "";
    }
    else if (*from == '"' || *from == '\'') {
        s->at++;
        s->token = *from == '"' ? T_NAME : T_TEXT;
        s->text = quoted(s, *from);
    }
    else if (apr_isalpha(*from) || *from == '_' || *from == '#') {
        while (apr_isalnum(*s->at) || (*s->at && strchr("_#:.-", *s->at))) {
            s->at++;
        }
        s->token = T_WORD;
        s->text = apr_pstrmemdup(s->q->p, from, (apr_size_t)(s->at - from));
    }
    else if (apr_isdigit(*from) || (*from == '-' && apr_isdigit(from[1]))) {
        s->at++;
        while (apr_isdigit(*s->at) || *s->at == '.') {
            s->at++;
        }
        s->token = T_NUMBER;
        s->text = apr_pstrmemdup(s->q->p, from, (apr_size_t)(s->at - from));
    }
    else {
        s->at += (from[0] == '<' && (from[1] == '>' || from[1] == '='))
                         || ((from[0] == '>' || from[0] == '!') && from[1] == '=')
                     ? 2
                     : 1;
        s->token = T_SIGN;
        s->text = apr_pstrmemdup(s->q->p, from, (apr_size_t)(s->at - from));
    }
}

static int is_word(const parser_t *s, const char *word)
{
    return s->token == T_WORD && strcasecmp(s->text, word) == 0;
}

static int is_sign(const parser_t *s, const char *sign)
{
    return s->token == T_SIGN && strcmp(s->text, sign) == 0;
}

static int take_word(parser_t *s, const char *word)
{
    if (!is_word(s, word)) {
        return 0;
    }
    next(s);
    return 1;
}

static int take_sign(parser_t *s, const char *sign)
{
    if (!is_sign(s, sign)) {
        return 0;
    }
    next(s);
    return 1;
}

static void expect_sign(parser_t *s, const char *sign)
{
    if (!take_sign(s, sign) && !s->error) {
        s->error = apr_psprintf(s->q->p, "\"%s\" expected before \"%.40s\"", sign, s->text);
    }
}

/* ---- names ---- */

/* A full property name: the namespace ends after its last separator. */
static void ask_of(parser_t *s, const char *full, sim_ask_t *ask)
{
    const char *end = full + strlen(full);

    while (end > full && end[-1] != ':' && end[-1] != '/' && end[-1] != '#') {
        end--;
    }
    ask->ns = apr_pstrmemdup(s->q->p, full, (apr_size_t)(end - full));
    ask->local = end;
    ask->name = sim_name_find(ask->ns, ask->local);
}

/* A name, perhaps inside CAST(.. AS 'type'). */
static int column_name(parser_t *s, sim_ask_t *ask)
{
    int cast = take_word(s, "CAST");

    if (cast) {
        expect_sign(s, "(");
    }
    if (s->token != T_NAME && !(s->token == T_WORD && strchr(s->text, ':'))) {
        s->error = s->error ? s->error
                            : apr_psprintf(s->q->p, "a property name expected before \"%.40s\"",
                                           s->text);
        return 0;
    }
    ask_of(s, s->text, ask);
    next(s);
    if (cast) {
        if (!take_word(s, "AS") || (s->token != T_TEXT && s->token != T_NAME
                                    && s->token != T_WORD)) {
            s->error = "CAST without a type";
            return 0;
        }
        next(s);
        expect_sign(s, ")");
    }
    return !s->error;
}

/* ---- SELECT and FROM ---- */

static void read_columns(parser_t *s, sim_sql_t *out)
{
    if (take_sign(s, "*")) {
        out->star = 1;
        return;
    }
    do {
        sim_sql_column_t *c = apr_array_push(out->columns);

        memset(c, 0, sizeof(*c));
        if (!column_name(s, &c->ask)) {
            return;
        }
        if (take_word(s, "AS")) {
            if (s->token != T_WORD && s->token != T_NAME && s->token != T_TEXT) {
                s->error = "AS without an alias";
                return;
            }
            c->alias = s->text;
            next(s);
        }
    } while (take_sign(s, ","));
}

/* 'SHALLOW TRAVERSAL OF "url"' */
static int read_traversal(parser_t *s, const char *text, sim_sql_scope_t *scope)
{
    static const char *const words[] = {"SHALLOW", "DEEP", "HIERARCHICAL"};
    const char *p = text + strspn(text, " \t\r\n");
    size_t n, i;

    scope->how = SIM_SHALLOW;
    for (i = 0; i < 3; i++) {
        n = strlen(words[i]);
        if (strncasecmp(p, words[i], n) == 0 && apr_isspace(p[n])) {
            p += n + strspn(p + n, " \t\r\n");
            if (strncasecmp(p, "TRAVERSAL", 9) != 0) {
                return 0;
            }
            p += 9 + strspn(p + 9, " \t\r\n");
            if (strncasecmp(p, "OF", 2) != 0) {
                return 0;
            }
            p += 2 + strspn(p + 2, " \t\r\n");
            scope->how = (sim_traversal_t)i;
            break;
        }
    }
    if (*p == '"' || *p == '\'') {
        const char *end = strrchr(p + 1, *p);

        if (!end || end[1 + strspn(end + 1, " \t\r\n")]) {
            return 0;
        }
        scope->url = apr_pstrmemdup(s->q->p, p + 1, (apr_size_t)(end - p - 1));
    }
    else {
        scope->url = apr_pstrdup(s->q->p, p);
    }
    return 1;
}

static void read_scope(parser_t *s, sim_sql_t *out)
{
    int many = take_word(s, "SCOPE");

    if (many) {
        expect_sign(s, "(");
        if (take_sign(s, ")")) { /* SCOPE(): the request URL */
            sim_sql_scope_t *scope = apr_array_push(out->scopes);

            scope->how = SIM_SHALLOW;
            scope->url = "";
            return;
        }
    }
    do {
        if (s->token != T_NAME && s->token != T_TEXT) {
            s->error = "FROM without a scope";
            return;
        }
        if (!read_traversal(s, s->text, apr_array_push(out->scopes))) {
            s->error = "a scope is '[SHALLOW|DEEP] TRAVERSAL OF \"url\"'";
            return;
        }
        next(s);
    } while (many && take_sign(s, ","));
    if (many) {
        expect_sign(s, ")");
    }
}

/* ---- WHERE ---- */

static sim_sql_node_t *new_node(parser_t *s, node_kind_t kind)
{
    sim_sql_node_t *n = apr_pcalloc(s->q->p, sizeof(*n));

    if (++s->nodes > NODES_MAX) {
        s->error = "too long a condition";
    }
    n->kind = kind;
    return n;
}

static void read_literal(parser_t *s, sim_sql_node_t *n)
{
    int cast = take_word(s, "CAST");

    if (cast) {
        expect_sign(s, "(");
    }
    if (is_word(s, "TRUE") || is_word(s, "FALSE")) {
        n->text = is_word(s, "TRUE") ? "1" : "0";
    }
    /* Some clients put a literal in double quotes inside CAST. */
    else if (s->token == T_TEXT || s->token == T_NUMBER || (cast && s->token == T_NAME)) {
        n->text = s->text;
        n->is_date = sim_time_parse(s->text, 1, &n->when);
    }
    else {
        s->error = apr_psprintf(s->q->p, "a literal expected before \"%.40s\"", s->text);
        return;
    }
    next(s);
    if (cast) {
        const char *type;

        if (!take_word(s, "AS")) {
            s->error = "CAST without AS";
            return;
        }
        type = s->text;
        if (sim_type_from(type) == SIM_T_UNKNOWN) {
            s->error = apr_psprintf(s->q->p, "CAST to unknown type \"%.40s\"", type);
            return;
        }
        if (sim_type_from(type) == SIM_T_DATE && !n->is_date) {
            s->error = "CAST of no date-time";
            return;
        }
        next(s);
        expect_sign(s, ")");
    }
}

static sim_sql_node_t *read_or(parser_t *s);

static sim_sql_node_t *read_predicate(parser_t *s)
{
    static const char *const signs[] = {"=", "<>", "<", "<=", ">", ">="};
    sim_sql_node_t *n = new_node(s, N_COMPARE), *not;
    int i, negated;

    if (!column_name(s, &n->ask)) {
        return n;
    }
    if (take_word(s, "IS")) {
        negated = take_word(s, "NOT");
        n->kind = N_NULL;
        if (!take_word(s, "NULL")) {
            s->error = "IS without NULL";
        }
    }
    else {
        negated = take_word(s, "NOT");
        if (take_word(s, "LIKE")) {
            n->kind = N_LIKE;
        }
        else {
            n->op = OP_EQ;
            if (is_sign(s, "!=")) {
                n->op = OP_NE;
            }
            for (i = 0; i < 6 && !is_sign(s, signs[i]); i++) {
            }
            if (negated || (i == 6 && n->op != OP_NE)) {
                s->error = apr_psprintf(s->q->p, "a comparison expected before \"%.40s\"", s->text);
                return n;
            }
            n->op = i < 6 ? (op_t)i : n->op;
            next(s);
        }
        read_literal(s, n);
    }
    if (!negated) {
        return n;
    }
    not = new_node(s, N_NOT);
    not->a = n;
    return not;
}

static sim_sql_node_t *read_not(parser_t *s)
{
    sim_sql_node_t *n;

    if (++s->depth > NESTING_MAX) {
        s->error = "nested too deeply";
        return new_node(s, N_NULL);
    }
    if (take_word(s, "NOT")) {
        n = new_node(s, N_NOT);
        n->a = read_not(s);
    }
    else if (take_sign(s, "(")) {
        n = read_or(s);
        expect_sign(s, ")");
    }
    else {
        n = read_predicate(s);
    }
    s->depth--;
    return n;
}

static sim_sql_node_t *read_and(parser_t *s)
{
    sim_sql_node_t *left = read_not(s), *n;

    while (!s->error && take_word(s, "AND")) {
        n = new_node(s, N_AND);
        n->a = left;
        n->b = read_not(s);
        left = n;
    }
    return left;
}

static sim_sql_node_t *read_or(parser_t *s)
{
    sim_sql_node_t *left = read_and(s), *n;

    while (!s->error && take_word(s, "OR")) {
        n = new_node(s, N_OR);
        n->a = left;
        n->b = read_and(s);
        left = n;
    }
    return left;
}

static void read_orders(parser_t *s, sim_sql_t *out)
{
    do {
        sim_sql_order_t *o = apr_array_push(out->orders);

        memset(o, 0, sizeof(*o));
        if (!column_name(s, &o->ask)) {
            return;
        }
        o->descending = take_word(s, "DESC");
        if (!o->descending) {
            take_word(s, "ASC");
        }
    } while (take_sign(s, ","));
}

const char *sim_sql_parse(sim_req_t *q, const char *text, sim_sql_t *out)
{
    parser_t s = {q, text, T_END, "", NULL, 0, 0};

    memset(out, 0, sizeof(*out));
    out->columns = apr_array_make(q->p, 16, sizeof(sim_sql_column_t));
    out->scopes = apr_array_make(q->p, 1, sizeof(sim_sql_scope_t));
    out->orders = apr_array_make(q->p, 1, sizeof(sim_sql_order_t));
    next(&s);
    if (!take_word(&s, "SELECT")) {
        return "no SELECT";
    }
    read_columns(&s, out);
    if (!s.error && !take_word(&s, "FROM")) {
        s.error = "no FROM";
    }
    if (!s.error) {
        read_scope(&s, out);
    }
    if (!s.error && take_word(&s, "WHERE")) {
        out->where = read_or(&s);
    }
    if (!s.error && take_word(&s, "ORDER")) {
        if (!take_word(&s, "BY")) {
            s.error = "ORDER without BY";
        }
        else {
            read_orders(&s, out);
        }
    }
    take_sign(&s, ";");
    if (!s.error && s.token != T_END) {
        s.error = apr_psprintf(q->p, "not understood: \"%.40s\"", s.text);
    }
    return s.error;
}

/* ---- evaluation ---- */

int sim_sql_compare(sim_type_t type, const char *a, const char *b)
{
    double x, y;

    if (type != SIM_T_INT && type != SIM_T_BOOL && type != SIM_T_FLOAT) {
        return strcasecmp(a, b);
    }
    x = strtod(a, NULL);
    y = strtod(b, NULL);
    return x < y ? -1 : x > y;
}

/* % any characters, _ one, both without regard to case. Goes back to the last % only, so that the
 * time stays within length times length. */
static int like(const char *text, const char *pattern)
{
    const char *star = NULL, *from = NULL;

    while (*text) {
        if (*pattern == '%') {
            star = ++pattern;
            from = text;
        }
        else if (*pattern
                 && (*pattern == '_'
                     || tolower((unsigned char)*pattern) == tolower((unsigned char)*text))) {
            pattern++;
            text++;
        }
        else if (star) {
            pattern = star;
            text = ++from;
        }
        else {
            return 0;
        }
    }
    return !pattern[strspn(pattern, "%")];
}

static int holds(op_t op, int order)
{
    switch (op) {
    case OP_EQ:
        return order == 0;
    case OP_NE:
        return order != 0;
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static int compare(const sim_sql_node_t *n, const sim_value_t *v)
{
    apr_time_t t;
    int i;

    for (i = 0; i < v->n; i++) {
        int order;

        if (v->type == SIM_T_DATE || v->type == SIM_T_MV_DATE) {
            if (!n->is_date || !sim_time_parse(v->values[i], 0, &t)) {
                return 0;
            }
            order = t < n->when ? -1 : t > n->when;
        }
        else {
            order = sim_sql_compare(v->type, v->values[i], n->text);
        }
        if (holds(n->op, order)) {
            return 1;
        }
    }
    return 0;
}

/* DAV:href and DAV:uid find nothing: KB 320749. */
static int is_unusable(const sim_ask_t *ask)
{
    return ask->name && strcmp(ask->name->ns, SIM_NS_DAV) == 0
           && (strcmp(ask->name->local, "href") == 0 || strcmp(ask->name->local, "uid") == 0);
}

static int match(sim_req_t *q, apr_pool_t *p, const sim_sql_node_t *n, const sim_row_t *row)
{
    sim_value_t v;

    switch (n->kind) {
    case N_AND:
        return match(q, p, n->a, row) && match(q, p, n->b, row);
    case N_OR:
        return match(q, p, n->a, row) || match(q, p, n->b, row);
    case N_NOT:
        return !match(q, p, n->a, row);
    case N_NULL:
        return !sim_row_value(q, p, row, n->ask.name, &v);
    default:
        break;
    }
    if (is_unusable(&n->ask) || !sim_row_value(q, p, row, n->ask.name, &v)) {
        return 0;
    }
    return n->kind == N_LIKE ? v.n && like(v.values[0], n->text) : compare(n, &v);
}

int sim_sql_match(sim_req_t *q, apr_pool_t *p, const sim_sql_t *sql, const sim_row_t *row)
{
    return !sql->where || match(q, p, sql->where, row);
}

static void narrow(const sim_sql_node_t *n, apr_time_t *from, apr_time_t *to)
{
    if (n->kind == N_AND) {
        narrow(n->a, from, to);
        narrow(n->b, from, to);
    }
    else if (n->kind == N_COMPARE && n->is_date && n->ask.name
             && strcmp(n->ask.name->ns, SIM_NS_CAL) == 0) {
        int start = strcmp(n->ask.name->local, "dtstart") == 0;
        int end = strcmp(n->ask.name->local, "dtend") == 0;

        if ((start || end) && (n->op == OP_GT || n->op == OP_GE) && n->when > *from) {
            *from = n->when;
        }
        if ((start || end) && (n->op == OP_LT || n->op == OP_LE) && n->when < *to) {
            *to = n->when + 1;
        }
    }
}

int sim_sql_window(const sim_sql_t *sql, apr_time_t *from, apr_time_t *to)
{
    *from = 0;
    *to = APR_INT64_MAX;
    if (sql->where) {
        narrow(sql->where, from, to);
    }
    return *to != APR_INT64_MAX;
}
