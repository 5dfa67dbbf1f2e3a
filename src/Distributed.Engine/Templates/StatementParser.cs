namespace Distributed.Engine.Templates;

/// <summary>Reads the statements of a template.</summary>
internal sealed class StatementParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private StatementParser(TokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <exception cref="TemplateException">The template is not one, or uses what is not supported.</exception>
    public static List<Statement> Read(string name, string source)
    {
        var parser = new StatementParser(new TokenStream(name, TemplateLexer.Read(name, source)));
        var statements = parser.Body();
        return parser._tokens.Current.Kind == TokenKind.End ? statements : throw parser.Unexpected();
    }

    /// <summary>Statements up to one of the given names or the end, which stays unread (its opening is read).</summary>
    private List<Statement> Body(params string[] ends)
    {
        var body = new List<Statement>();
        while (true)
        {
            var token = _tokens.Current;
            switch (token.Kind)
            {
                case TokenKind.End:
                    return body;
                case TokenKind.Text:
                    body.Add(new TextStatement(token.Place, _tokens.Take().Text));
                    break;
                case TokenKind.OutputStart:
                    _tokens.Take();
                    body.Add(new OutputStatement(token.Place, _expressions.Read()));
                    _tokens.Expect(TokenKind.OutputEnd, "}}");
                    break;
                default:
                    _tokens.Take();
                    if (ends.Contains(_tokens.Current.Text) && _tokens.Current.Kind == TokenKind.Name)
                        return body;
                    body.Add(_tokens.Deeper(Statement));
                    break;
            }
        }
    }

    private Statement Statement()
    {
        var token = _tokens.Current;
        if (token.Kind != TokenKind.Name)
            throw _tokens.Fail(token, $"expected a statement, found {token.Shown}");
        switch (token.Text)
        {
            case "if":
                return If();
            case "for":
                return For();
            case "set":
                return Set();
            case "macro":
                return Macro();
            case "generation":
                _tokens.Take();
                CloseTag();
                return new ScopeStatement(token.Place, Block("endgeneration"));
            case "break" or "continue":
                if (_loops == 0)
                    throw _tokens.Fail(token, $"{token.Text} stands outside of a loop");
                _tokens.Take();
                CloseTag();
                return new LoopControlStatement(token.Place, token.Text == "break" ? Flow.Break : Flow.Continue);
            default:
                throw Unexpected();
        }
    }

    private IfStatement If()
    {
        var at = _tokens.Current.Place;
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        IReadOnlyList<Statement> otherwise = [];
        do
        {
            _tokens.Take();
            var condition = _expressions.ReadWithoutCondition();
            CloseTag();
            branches.Add((condition, Body("elif", "else", "endif")));
        }
        while (_tokens.Current.Is(TokenKind.Name, "elif"));

        if (_tokens.TryTake(TokenKind.Name, "else"))
        {
            CloseTag();
            otherwise = Body("endif");
        }

        End("endif", at);
        return new IfStatement(at, branches, otherwise);
    }

    private ForStatement For()
    {
        var at = _tokens.Take().Place;
        var brackets = _tokens.TryTake(TokenKind.Operator, "(");
        var targets = new List<string>();
        do
        {
            targets.Add(_tokens.Expect(TokenKind.Name, "the name of a loop variable").Text);
        }
        while (_tokens.TryTake(TokenKind.Operator, ","));
        if (brackets)
            _tokens.ExpectOperator(")");
        if (!_tokens.TryTake(TokenKind.Name, "in"))
            throw _tokens.Fail(_tokens.Current, $"expected 'in', found {_tokens.Current.Shown}");
        var items = _expressions.ReadWithoutCondition();
        var condition = _tokens.TryTake(TokenKind.Name, "if") ? _expressions.Read() : null;
        if (_tokens.Current.Is(TokenKind.Name, "recursive"))
            throw _tokens.Fail(_tokens.Current, "recursive loops are not supported");
        CloseTag();
        _loops++;
        IReadOnlyList<Statement> body = Body("else", "endfor"), otherwise = [];
        _loops--;
        if (_tokens.TryTake(TokenKind.Name, "else"))
        {
            CloseTag();
            otherwise = Body("endfor");
        }

        End("endfor", at);
        return new ForStatement(at, new ForParts(targets, items, condition, body, otherwise));
    }

    private Statement Set()
    {
        var at = _tokens.Take().Place;
        var name = _tokens.Expect(TokenKind.Name, "the name of a variable").Text;
        var attribute = _tokens.TryTake(TokenKind.Operator, ".") ? _tokens.Expect(TokenKind.Name, "the name of an attribute").Text : null;
        if (_tokens.TryTake(TokenKind.Operator, "="))
        {
            var value = _expressions.Read();
            CloseTag();
            return new SetStatement(at, name, attribute, value);
        }

        if (attribute is not null || _tokens.Current.Kind != TokenKind.StatementEnd)
            throw _tokens.Fail(_tokens.Current, $"expected '=', found {_tokens.Current.Shown}");
        CloseTag();
        return new SetBlockStatement(at, name, Block("endset"));
    }

    private MacroStatement Macro()
    {
        var at = _tokens.Take().Place;
        var name = _tokens.Expect(TokenKind.Name, "the name of a macro").Text;
        var parameters = new List<(string, Expression?)>();
        _tokens.ExpectOperator("(");
        while (!_tokens.TryTake(TokenKind.Operator, ")"))
        {
            var parameter = _tokens.Expect(TokenKind.Name, "the name of a parameter").Text;
            parameters.Add((parameter, _tokens.TryTake(TokenKind.Operator, "=") ? _expressions.Read() : null));
            if (!_tokens.TryTake(TokenKind.Operator, ","))
            {
                _tokens.ExpectOperator(")");
                break;
            }
        }

        CloseTag();
        return new MacroStatement(at, new Macro(name, parameters, Block("endmacro")));
    }

    // Inside, a break has no loop of the outside to end.
    private List<Statement> Block(string end)
    {
        var (loops, at) = (_loops, _tokens.Current.Place);
        _loops = 0;
        var body = Body(end);
        _loops = loops;
        End(end, at);
        return body;
    }

    private void End(string name, TemplatePlace opened)
    {
        if (!_tokens.TryTake(TokenKind.Name, name))
            throw _tokens.Fail(_tokens.Current, $"expected {name} for what begins at {opened}, found {_tokens.Current.Shown}");
        CloseTag();
    }

    private void CloseTag() => _tokens.Expect(TokenKind.StatementEnd, "%}");

    private TemplateException Unexpected() => _tokens.Fail(
        _tokens.Current, $"the statement {_tokens.Current.Shown} is not supported here; there are if, for, set, macro, generation, break and continue");
}
