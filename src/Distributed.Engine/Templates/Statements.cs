namespace Distributed.Engine.Templates;

/// <summary>How a statement ended.</summary>
internal enum Flow
{
    Normal,
    Break,
    Continue,
}

/// <summary>Something that writes or sets.</summary>
internal abstract class Statement(TemplatePlace at)
{
    /// <summary>Where complaints point to.</summary>
    public TemplatePlace At => at;

    public Flow Run(Rendering rendering)
    {
        rendering.Step(at);
        return Execute(rendering);
    }

    public static Flow RunAll(IReadOnlyList<Statement> body, Rendering rendering)
    {
        foreach (var statement in body)
            if (statement.Run(rendering) is var flow and not Flow.Normal)
                return flow;
        return Flow.Normal;
    }

    protected abstract Flow Execute(Rendering rendering);
}

internal sealed class TextStatement(TemplatePlace at, string text) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        rendering.Write(text, At);
        return Flow.Normal;
    }
}

internal sealed class OutputStatement(TemplatePlace at, Expression value) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        rendering.Write(rendering.Text(value.Evaluate(rendering), At), At);
        return Flow.Normal;
    }
}

internal sealed class IfStatement(TemplatePlace at, IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> branches, IReadOnlyList<Statement> otherwise) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        foreach (var (condition, body) in branches)
            if (Rendering.IsTrue(condition.Evaluate(rendering)))
                return RunAll(body, rendering);
        return RunAll(otherwise, rendering);
    }
}

/// <summary>set name = value, or set name.attribute = value on a namespace.</summary>
internal sealed class SetStatement(TemplatePlace at, string name, string? attribute, Expression value) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        var made = value.Evaluate(rendering);
        if (attribute is null)
            rendering.Scope.Set(name, made);
        else if (rendering.Scope.TryFind(name, out var target) && target is TemplateNamespace space)
            space.Attributes[attribute] = made;
        else
            throw rendering.Fail(At, $"'{name}' is not a namespace; only a namespace's attributes can be set");
        return Flow.Normal;
    }
}

/// <summary>set name ... endset: the variable becomes what the body writes.</summary>
internal sealed class SetBlockStatement(TemplatePlace at, string name, IReadOnlyList<Statement> body) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        var outer = rendering.Scope;
        rendering.Scope = new Scope(outer);
        try
        {
            outer.Set(name, rendering.Capture(() => RunAll(body, rendering)));
        }
        finally
        {
            rendering.Scope = outer;
        }

        return Flow.Normal;
    }
}

internal sealed class LoopControlStatement(TemplatePlace at, Flow flow) : Statement(at)
{
    protected override Flow Execute(Rendering rendering) => flow;
}

internal sealed record ForParts(IReadOnlyList<string> Targets, Expression Items, Expression? Condition, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise);

internal sealed class ForStatement(TemplatePlace at, ForParts parts) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        var items = rendering.Items(parts.Items.Evaluate(rendering), At);
        var outer = rendering.Scope;
        rendering.LoopDepth++;
        try
        {
            if (parts.Condition is { } condition)
                items = [.. items.Where(item => Rendering.IsTrue(InRound(item, null, rendering, outer, () => condition.Evaluate(rendering))))];
            if (items.Length == 0)
            {
                rendering.Scope = new Scope(outer);
                return RunAll(parts.Otherwise, rendering);
            }

            var loop = new LoopState(items, rendering.LoopDepth, (left, right) => Operators.AreEqual(left, right, rendering, At));
            for (; loop.Index < items.Length; loop.Index++)
                if (InRound(items[loop.Index], loop, rendering, outer, () => RunAll(parts.Body, rendering)) == Flow.Break)
                    break;
            return Flow.Normal;
        }
        finally
        {
            rendering.LoopDepth--;
            rendering.Scope = outer;
        }
    }

    private T InRound<T>(object? item, LoopState? loop, Rendering rendering, Scope outer, Func<T> run)
    {
        rendering.Step(At);
        var scope = new Scope(outer);
        if (loop is not null)
            scope.Set("loop", loop);
        if (parts.Targets is [var only])
        {
            scope.Set(only, item);
        }
        else
        {
            var values = rendering.Items(item, At);
            if (values.Length != parts.Targets.Count)
                throw rendering.Fail(At, $"{values.Length} values for {parts.Targets.Count} loop variables");
            foreach (var (index, name) in parts.Targets.Index())
                scope.Set(name, values[index]);
        }

        rendering.Scope = scope;
        return run();
    }
}

/// <summary>A body with a scope of its own: generation ... endgeneration, which marks what the model writes.</summary>
internal sealed class ScopeStatement(TemplatePlace at, IReadOnlyList<Statement> body) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        var outer = rendering.Scope;
        rendering.Scope = new Scope(outer);
        try
        {
            return RunAll(body, rendering);
        }
        finally
        {
            rendering.Scope = outer;
        }
    }
}

internal sealed class MacroStatement(TemplatePlace at, Macro macro) : Statement(at)
{
    protected override Flow Execute(Rendering rendering)
    {
        rendering.Scope.Set(macro.Name, macro);
        return Flow.Normal;
    }
}

/// <summary>A function written in the template; it sees its arguments and the template's own variables.</summary>
internal sealed record Macro(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body)
{
    public string Call(Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        if (arguments.Positional.Length > Parameters.Count)
            throw rendering.Fail(at, $"{Name} takes {Parameters.Count} values, not {arguments.Positional.Length}");
        if (arguments.Named.FirstOrDefault(entry => Parameters.All(parameter => parameter.Name != entry.Key)).Key is { } unknown)
            throw rendering.Fail(at, $"{Name} has no parameter '{unknown}'");
        var outer = rendering.Scope;
        var depth = rendering.LoopDepth;
        rendering.Scope = new Scope(rendering.Globals);
        rendering.LoopDepth = 0;
        try
        {
            foreach (var (index, (name, otherwise)) in Parameters.Index())
                rendering.Scope.Set(name, arguments.TryGet(index, name, out var value) ? value : otherwise is null ? new Undefined($"parameter '{name}' was not given") : otherwise.Evaluate(rendering));
            return rendering.Capture(() => Statement.RunAll(Body, rendering));
        }
        finally
        {
            rendering.Scope = outer;
            rendering.LoopDepth = depth;
        }
    }
}
