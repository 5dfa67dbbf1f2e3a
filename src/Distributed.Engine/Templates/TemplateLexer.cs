namespace Distributed.Engine.Templates;

/// <summary>
/// Cuts a template into text and tokens as Jinja does with trim_blocks and lstrip_blocks on: the line break after a statement goes, white
/// space before a statement on its line goes, <c>-</c> takes all white space on its side, <c>+</c> keeps it, and the template's last line break goes.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _name;
    private readonly string _source;
    private readonly int[] _lineStarts;
    private readonly List<Token> _tokens = [];
    private int _at;

    private TemplateLexer(string name, string source)
    {
        _name = name;
        _source = source;
        _lineStarts = [0, .. source.Index().Where(entry => entry.Item == '\n').Select(entry => entry.Index + 1)];
    }

    /// <summary>All tokens, the end last.</summary>
    /// <exception cref="TemplateException">Something is not a token.</exception>
    public static List<Token> Read(string name, string source)
    {
        if (source.Length > TemplateLimits.LongestSource)
            throw new TemplateException(name, new TemplatePlace(1, 1), $"longer than {TemplateLimits.LongestSource} characters; a chat template is not");
        source = source.ReplaceLineEndingsAsPython();
        var lexer = new TemplateLexer(name, source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        var lineStarting = true;
        while (true)
        {
            var open = FindOpening(_at);
            if (open < 0)
                break;
            var kind = _source[open + 1];
            var sign = open + 2 < _source.Length ? _source[open + 2] : '\0';
            AddText(open, sign, strips: kind != '{', lineStarting);
            _at = open + (sign is '-' or '+' ? 3 : 2);
            if (kind == '#')
            {
                SkipComment(open);
            }
            else
            {
                _tokens.Add(new Token(kind == '{' ? TokenKind.OutputStart : TokenKind.StatementStart, "", PlaceOf(open)));
                ReadTag(open, kind);
            }

            lineStarting = _source[_at - 1] == '\n';
        }

        if (_at < _source.Length)
            _tokens.Add(new Token(TokenKind.Text, _source[_at..], PlaceOf(_at)));
        _tokens.Add(new Token(TokenKind.End, "", PlaceOf(_source.Length)));
    }

    private int FindOpening(int from)
    {
        for (var at = from; (at = _source.IndexOf('{', at)) >= 0 && at + 1 < _source.Length; at++)
            if (_source[at + 1] is '{' or '%' or '#')
                return at;
        return -1;
    }

    private void AddText(int end, char sign, bool strips, bool lineStarting)
    {
        var text = _source.AsSpan(_at, end - _at);
        if (sign == '-')
        {
            text = PythonText.TrimEnd(text);
        }
        else if (strips && sign != '+')
        {
            var line = text.LastIndexOf('\n') + 1;
            if ((line > 0 || lineStarting) && PythonText.TrimEnd(text[line..]).IsEmpty)
                text = text[..line];
        }

        if (!text.IsEmpty)
            _tokens.Add(new Token(TokenKind.Text, text.ToString(), PlaceOf(_at)));
    }

    private void SkipComment(int open)
    {
        var end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
            throw Fail(open, "the comment does not end; close it with #}");
        _at = end + 2;
        SkipAfter(_source[end - 1], trimsBreak: true);
    }

    /// <summary>Tokens up to and with the tag's end.</summary>
    private void ReadTag(int open, char kind)
    {
        var close = kind == '{' ? "}}" : "%}";
        var brackets = new Stack<char>();
        var scanner = new ExpressionLexer(_source);
        while (true)
        {
            while (_at < _source.Length && PythonText.IsSpace(_source[_at]))
                _at++;
            if (_at == _source.Length)
                throw Fail(open, $"the tag does not end; close it with {close}");
            if (brackets.Count == 0 && TryClose(kind, close))
                return;
            var start = _at;
            var token = scanner.Next(ref _at, out var complaint) with { Place = PlaceOf(start) };
            if (complaint is not null)
                throw Fail(start, complaint);
            if (token.Kind == TokenKind.Operator)
                Balance(brackets, token.Text[0], start);
            _tokens.Add(token);
        }
    }

    private bool TryClose(char kind, string close)
    {
        var sign = _source[_at];
        var signed = sign == '-' || sign == '+' && kind == '%';
        if (!_source.AsSpan(_at + (signed ? 1 : 0)).StartsWith(close))
            return false;
        _tokens.Add(new Token(kind == '{' ? TokenKind.OutputEnd : TokenKind.StatementEnd, "", PlaceOf(_at)));
        _at += close.Length + (signed ? 1 : 0);
        SkipAfter(signed ? sign : '\0', trimsBreak: kind == '%');
        return true;
    }

    private void SkipAfter(char sign, bool trimsBreak)
    {
        if (sign == '-')
            while (_at < _source.Length && PythonText.IsSpace(_source[_at]))
                _at++;
        else if (trimsBreak && sign != '+' && _at < _source.Length && _source[_at] == '\n')
            _at++;
    }

    private void Balance(Stack<char> brackets, char symbol, int at)
    {
        if (symbol is '(' or '[' or '{')
        {
            brackets.Push(symbol switch { '(' => ')', '[' => ']', _ => '}' });
            if (brackets.Count > TemplateLimits.DeepestSource)
                throw Fail(at, $"more than {TemplateLimits.DeepestSource} brackets inside each other");
        }
        else if (symbol is ')' or ']' or '}' && (!brackets.TryPop(out var expected) || expected != symbol))
        {
            throw Fail(at, $"'{symbol}' closes nothing");
        }
    }

    private TemplatePlace PlaceOf(int index)
    {
        var line = Array.BinarySearch(_lineStarts, index);
        line = line >= 0 ? line : ~line - 1;
        return new TemplatePlace(line + 1, index - _lineStarts[line] + 1);
    }

    private TemplateException Fail(int index, string complaint) => new(_name, PlaceOf(index), complaint);
}
