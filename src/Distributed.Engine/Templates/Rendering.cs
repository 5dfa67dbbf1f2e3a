using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Distributed.Engine.Templates;

/// <summary>One rendering: the variables in sight, what was written so far, and what may still be used.</summary>
internal sealed class Rendering
{
    private const int UnitsPerWork = 4;

    private readonly string _name;
    private readonly TemplateLimits _limits;
    private StringBuilder _output = new();
    private long _work;

    public Rendering(string name, TemplateLimits limits, long work, Scope variables)
    {
        (_name, _limits, _work, Scope) = (name, limits, work, variables);
        Globals = variables;
    }

    /// <summary>The innermost scope.</summary>
    public Scope Scope { get; set; }

    /// <summary>The template's own scope.</summary>
    public Scope Globals { get; }

    /// <summary>Loops around the current one.</summary>
    public int LoopDepth { get; set; }

    public TemplateLimits Limits => _limits;

    public string Output => _output.ToString();

    /// <summary>Counts one step; refuses when too many were taken or the stack is short.</summary>
    public void Step(TemplatePlace at)
    {
        if (--_work < 0)
            throw Fail(at, "rendering takes too long; the template does too much work");
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Fail(at, "nested too deeply");
    }

    /// <summary>Counts something made of that many characters or items, before it is made.</summary>
    public void Charge(long units, TemplatePlace at)
    {
        if (units > _limits.Output)
            throw Fail(at, $"a text or list of more than {_limits.Output} characters or items");
        _work -= units / UnitsPerWork;
        if (_work < 0)
            throw Fail(at, "rendering takes too long; the template does too much work");
    }

    public void Write(string text, TemplatePlace at)
    {
        Charge((long)_output.Length + text.Length > _limits.Output ? long.MaxValue : text.Length, at);
        _output.Append(text);
    }

    /// <summary>Runs something and returns what it wrote.</summary>
    public string Capture(Action body)
    {
        var outer = _output;
        _output = new StringBuilder();
        try
        {
            body();
            return _output.ToString();
        }
        finally
        {
            _output = outer;
        }
    }

    /// <summary>The value as text, as str() makes it.</summary>
    public string Text(object? value, TemplatePlace at) => value is string text ? text : new PythonWriter(this, at).Str(value);

    public TemplateException Fail(TemplatePlace at, string complaint) => new(_name, at, complaint);

    /// <summary>Complains if a value is not there.</summary>
    public object? Defined(object? value, TemplatePlace at) => value is Undefined missing ? throw Fail(at, missing.Why) : value;

    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        string text => text.Length > 0,
        BigInteger whole => !whole.IsZero,
        double number => number != 0,
        object?[] list => list.Length > 0,
        TemplateMap map => map.Count > 0,
        _ => true,
    };

    /// <summary>What a complaint calls a value.</summary>
    public static string Kind(object? value) => value switch
    {
        null => "None",
        bool => "a boolean",
        string => "a string",
        BigInteger => "an integer",
        double => "a float",
        object?[] => "a list",
        TemplateMap => "a dict",
        Undefined => "an undefined value",
        TemplateNamespace => "a namespace",
        _ => "a function",
    };

    /// <summary>The items a loop goes over.</summary>
    public object?[] Items(object? value, TemplatePlace at)
    {
        switch (value)
        {
            case Undefined:
                return [];
            case object?[] list:
                return list;
            case string text:
                Charge(text.Length, at);
                return PythonText.Characters(text);
            case TemplateMap map:
                Charge(map.Count, at);
                return [.. map.Keys];
            default:
                throw Fail(at, $"{Kind(value)} cannot be iterated over");
        }
    }
}

/// <summary>Variables; a loop round has a scope of its own, an if has none.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, object?> _variables = new(StringComparer.Ordinal);

    public void Set(string name, object? value) => _variables[name] = value;

    public bool TryFind(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
            if (scope._variables.TryGetValue(name, out value))
                return true;
        value = null;
        return false;
    }

    private Scope? Outer => parent;
}
