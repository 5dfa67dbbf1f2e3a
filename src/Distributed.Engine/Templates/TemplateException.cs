namespace Distributed.Engine.Templates;

/// <summary>A template that cannot be read or rendered; the message is one line: NAME:LINE:COLUMN: what is wrong.</summary>
public sealed class TemplateException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="name">The template's name or file.</param>
    /// <param name="place">Where in it.</param>
    /// <param name="complaint">What is wrong.</param>
    public TemplateException(string name, TemplatePlace place, string complaint)
        : base($"{name}:{place}: {complaint.ReplaceLineEndings(" ")}") => Place = place;

    /// <summary>Where in the template.</summary>
    public TemplatePlace Place { get; }
}

/// <summary>A place in a template; both count from 1, columns in UTF-16 units.</summary>
/// <param name="Line">Line.</param>
/// <param name="Column">Column.</param>
public readonly record struct TemplatePlace(int Line, int Column)
{
    /// <summary>LINE:COLUMN.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Line}:{Column}");
}
