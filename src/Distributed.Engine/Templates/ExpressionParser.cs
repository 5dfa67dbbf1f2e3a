namespace Distributed.Engine.Templates;

/// <summary>Reads expressions with Jinja's precedence: if/else, or, and, not, comparisons, + -, ~, * / // %, signs; filters and tests bind tightest.</summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    private static readonly HashSet<string> Comparisons = ["==", "!=", "<", ">", "<=", ">="];

    public Expression Read() => tokens.Deeper(() =>
    {
        var value = ReadWithoutCondition();
        while (Current.Is(TokenKind.Name, "if"))
        {
            var at = tokens.Take().Place;
            var condition = ReadWithoutCondition();
            value = new ConditionalExpression(at, condition, value, tokens.TryTake(TokenKind.Name, "else") ? Read() : null);
        }

        return value;
    });

    /// <summary>An expression that an <c>if</c> ends.</summary>
    public Expression ReadWithoutCondition()
    {
        var left = And();
        while (Current.Is(TokenKind.Name, "or"))
            left = new ShortCircuitExpression(tokens.Take().Place, true, left, And());
        return left;
    }

    private Token Current => tokens.Current;

    private Expression And()
    {
        var left = Not();
        while (Current.Is(TokenKind.Name, "and"))
            left = new ShortCircuitExpression(tokens.Take().Place, false, left, Not());
        return left;
    }

    private Expression Not()
    {
        if (!Current.Is(TokenKind.Name, "not"))
            return Comparison();
        var at = tokens.Take().Place;
        return tokens.Deeper(() => new NotExpression(at, Not()));
    }

    private Expression Comparison()
    {
        var first = Sum();
        var rest = new List<(TemplatePlace, string, Expression)>();
        while (true)
        {
            var token = Current;
            if (token.Kind == TokenKind.Operator && Comparisons.Contains(token.Text) || token.Is(TokenKind.Name, "in"))
            {
                tokens.Take();
                rest.Add((token.Place, token.Text, Sum()));
            }
            else if (token.Is(TokenKind.Name, "not") && tokens.Following.Is(TokenKind.Name, "in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add((token.Place, "not in", Sum()));
            }
            else
            {
                return rest.Count == 0 ? first : new ComparisonExpression(first, rest);
            }
        }
    }

    private Expression Sum() => LeftToRight(Concatenation, "+", "-");

    private Expression Concatenation() => LeftToRight(Product, "~");

    private Expression Product() => LeftToRight(() => Signed(filtered: true), "*", "/", "//", "%");

    private Expression LeftToRight(Func<Expression> operand, params ReadOnlySpan<string> symbols)
    {
        var left = operand();
        while (Current.Kind == TokenKind.Operator && symbols.Contains(Current.Text))
        {
            var token = tokens.Take();
            left = new BinaryExpression(token.Place, token.Text, left, operand());
        }

        return Current.Is(TokenKind.Operator, "**") ? throw tokens.Fail(Current, "'**' is not supported") : left;
    }

    private Expression Signed(bool filtered)
    {
        Expression value;
        if (Current.Kind == TokenKind.Operator && Current.Text is "-" or "+")
        {
            var token = tokens.Take();
            value = tokens.Deeper(() => new SignExpression(token.Place, token.Text == "-", Signed(filtered: false)));
        }
        else
        {
            value = Primary();
        }

        value = Postfix(value);
        return filtered ? Filters(value) : value;
    }

    private Expression Primary()
    {
        var token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new LiteralExpression(token.Place, true),
                    "false" or "False" => new LiteralExpression(token.Place, false),
                    "none" or "None" => new LiteralExpression(token.Place, null),
                    _ => new NameExpression(token.Place, token.Text),
                };
            case TokenKind.Literal when token.Value is string text:
                // Strings that stand beside each other are one.
                var parts = new List<string> { text };
                while (Current is { Kind: TokenKind.Literal, Value: string more })
                {
                    parts.Add(more);
                    tokens.Take();
                }

                return new LiteralExpression(token.Place, string.Concat(parts));
            case TokenKind.Literal:
                return new LiteralExpression(token.Place, token.Value);
            case TokenKind.Operator when token.Text == "(":
                return Parenthesis(token);
            case TokenKind.Operator when token.Text == "[":
                return new ListExpression(token.Place, Several("]", Read));
            case TokenKind.Operator when token.Text == "{":
                return new MapExpression(token.Place, Several("}", () =>
                {
                    var key = Read();
                    tokens.ExpectOperator(":");
                    return (key, Read());
                }));
            default:
                throw tokens.Fail(token, $"expected a value, found {token.Shown}");
        }
    }

    private Expression Parenthesis(Token open)
    {
        if (tokens.TryTake(TokenKind.Operator, ")"))
            return new ListExpression(open.Place, []);
        var first = Read();
        if (tokens.TryTake(TokenKind.Operator, ","))
            return new ListExpression(open.Place, [first, .. Several(")", Read)]);
        tokens.ExpectOperator(")");
        return first;
    }

    private List<T> Several<T>(string close, Func<T> read)
    {
        var items = new List<T>();
        while (!tokens.TryTake(TokenKind.Operator, close))
        {
            items.Add(read());
            if (!tokens.TryTake(TokenKind.Operator, ","))
            {
                tokens.ExpectOperator(close);
                break;
            }
        }

        return items;
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            var token = Current;
            if (token.Is(TokenKind.Operator, "."))
            {
                tokens.Take();
                value = tokens.Current is { Kind: TokenKind.Literal, Value: System.Numerics.BigInteger index } number
                    ? new ItemExpression(token.Place, value, new LiteralExpression(tokens.Take().Place, index))
                    : new AttributeExpression(token.Place, value, tokens.Expect(TokenKind.Name, "a name").Text);
            }
            else if (token.Is(TokenKind.Operator, "["))
            {
                tokens.Take();
                value = Subscript(token, value);
            }
            else if (token.Is(TokenKind.Operator, "("))
            {
                value = new CallExpression(token.Place, value, Arguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression Subscript(Token open, Expression target)
    {
        var from = Current.Is(TokenKind.Operator, ":") ? null : Read();
        if (from is not null && tokens.TryTake(TokenKind.Operator, "]"))
            return new ItemExpression(open.Place, target, from);
        tokens.ExpectOperator(":");
        var to = Bound();
        var step = tokens.TryTake(TokenKind.Operator, ":") ? Bound() : null;
        tokens.ExpectOperator("]");
        return new SliceExpression(open.Place, target, from, to, step);

        Expression? Bound() => Current.Kind == TokenKind.Operator && Current.Text is ":" or "]" ? null : Read();
    }

    private Expression Filters(Expression value)
    {
        while (true)
        {
            if (Current.Is(TokenKind.Operator, "|"))
            {
                tokens.Take();
                var name = tokens.Expect(TokenKind.Name, "the name of a filter");
                if (!Templates.Filters.All.TryGetValue(name.Text, out var filter))
                    throw tokens.Fail(name, $"the filter '{name.Text}' is not supported; there are {string.Join(", ", Templates.Filters.All.Keys.Order(StringComparer.Ordinal))}");
                value = new FilterExpression(name.Place, value, filter, Current.Is(TokenKind.Operator, "(") ? Arguments() : ArgumentList.None);
            }
            else if (Current.Is(TokenKind.Name, "is"))
            {
                tokens.Take();
                value = Test(value);
            }
            else if (Current.Is(TokenKind.Operator, "("))
            {
                value = new CallExpression(Current.Place, value, Arguments());
            }
            else
            {
                return value;
            }
        }
    }

    private TestExpression Test(Expression value)
    {
        var negated = tokens.TryTake(TokenKind.Name, "not");
        var name = tokens.Expect(TokenKind.Name, "the name of a test");
        if (!ValueTests.All.TryGetValue(name.Text, out var test))
            throw tokens.Fail(name, $"the test '{name.Text}' is not supported; there are {string.Join(", ", ValueTests.All.Keys.Order(StringComparer.Ordinal))}");
        if (Current.Is(TokenKind.Operator, "("))
            return new TestExpression(name.Place, value, test, Arguments(), negated);
        if (Current.Is(TokenKind.Name, "is"))
            throw tokens.Fail(Current, "tests cannot be chained; put the first one in brackets");
        var hasValue = Current.Kind == TokenKind.Literal || Current.Kind == TokenKind.Operator && Current.Text is "[" or "{"
            || Current.Kind == TokenKind.Name && Current.Text is not ("else" or "or" or "and" or "if" or "in" or "not");
        return new TestExpression(name.Place, value, test, hasValue ? new ArgumentList([Postfix(Primary())], []) : ArgumentList.None, negated);
    }

    private ArgumentList Arguments() => tokens.Deeper(() =>
    {
        tokens.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Several(")", () =>
        {
            if (Current.Kind == TokenKind.Name && tokens.Following.Is(TokenKind.Operator, "="))
            {
                var name = tokens.Take().Text;
                tokens.Take();
                named.Add((name, Read()));
            }
            else if (named.Count > 0)
            {
                throw tokens.Fail(Current, "a value by position after values by name");
            }
            else
            {
                positional.Add(Read());
            }

            return true;
        });
        return new ArgumentList(positional, named);
    });
}
