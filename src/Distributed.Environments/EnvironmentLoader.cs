using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Loader;

using Distributed.Environments.Arithmetic;
using Distributed.Environments.OwnData;
using Distributed.Ports;

namespace Distributed.Environments;

/// <summary>
/// Makes environments by name: one that is built in, or a public class of a library of one's own. Both are made the same way: by a public
/// constructor that takes the options as an <see cref="IReadOnlyDictionary{TKey, TValue}"/> of strings, or by one that takes nothing.
/// </summary>
public static class EnvironmentLoader
{
    /// <summary>The generated search world.</summary>
    public const string SearchWorld = "search-world";

    /// <summary>Generated arithmetic word problems, solved by programs.</summary>
    public const string Arithmetic = "arithmetic";

    /// <summary>Questions and passages of one's own.</summary>
    public const string JsonlSearch = "jsonl-search";

    /// <summary>Problems of one's own, solved by programs.</summary>
    public const string JsonlCode = "jsonl-code";

    private static readonly SortedDictionary<string, Type> builtIn = new(StringComparer.Ordinal)
    {
        [SearchWorld] = typeof(SearchEnvironment),
        [Arithmetic] = typeof(ArithmeticEnvironment),
        [JsonlSearch] = typeof(JsonlSearchEnvironment),
        [JsonlCode] = typeof(JsonlCodeEnvironment),
    };

    // A library is loaded once, whoever asks: its statics are one set.
    private static readonly ConcurrentDictionary<string, Lazy<Assembly>> loaded = new(StringComparer.Ordinal);

    /// <summary>Makes an environment.</summary>
    /// <param name="assembly">Path of the library, relative to the current folder; null or empty for what is built in.</param>
    /// <param name="type">A built-in name, or the class's name, with or without its namespace.</param>
    /// <param name="options">What its constructor receives.</param>
    /// <exception cref="EnvironmentSetupException">One line that says what is wrong and how to mend it.</exception>
    public static IEnvironment Load(string? assembly, string type, IReadOnlyDictionary<string, string> options)
    {
        if (!string.IsNullOrEmpty(assembly))
            return Create(Find(assembly, type), options);
        return builtIn.TryGetValue(type, out var known)
            ? Create(known, options)
            : throw new EnvironmentSetupException(
                $"environment type '{type}' is not built in: use {string.Join(" or ", builtIn.Keys)}, or name the library it is in (assembly: path)");
    }

    private static Type Find(string path, string name)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full))
            throw new EnvironmentSetupException($"environment assembly {full}: no such file: build the library or mend assembly:");
        Type[] types;
        try
        {
            types = loaded.GetOrAdd(full, static file => new(() => new LibraryContext(file).LoadFromAssemblyPath(file))).Value.GetExportedTypes();
        }
        catch (BadImageFormatException error)
        {
            loaded.TryRemove(full, out _);
            throw new EnvironmentSetupException($"environment assembly {full}: not a .NET library: give the .dll the build wrote", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or TypeLoadException)
        {
            loaded.TryRemove(full, out _);
            throw new EnvironmentSetupException(
                $"environment assembly {full}: cannot be loaded ({OneLine(error)}): build it against this version and keep the libraries it needs beside it", error);
        }

        var matching = Array.FindAll(types, type => type.FullName == name || type.Name == name);
        if (matching.Length == 1)
            return matching[0];
        var candidates = types.Where(IsUsable).Select(type => type.FullName).Order(StringComparer.Ordinal).ToArray();
        throw new EnvironmentSetupException(
            $"environment assembly {full}: {(matching.Length == 0 ? "no public class" : "several classes")} '{name}': "
            + (candidates.Length == 0 ? "it has no public environment at all" : $"its environments are {string.Join(", ", candidates)}"));
    }

    private static IEnvironment Create(Type type, IReadOnlyDictionary<string, string> options)
    {
        if (!type.IsAssignableTo(typeof(IEnvironment)))
            throw new EnvironmentSetupException($"environment type {type.FullName}: does not implement {typeof(IEnvironment).FullName}: let the class implement it");
        var withOptions = type.GetConstructor([typeof(IReadOnlyDictionary<string, string>)]);
        var withNothing = type.GetConstructor([]);
        if (type.IsAbstract || (withOptions ?? withNothing) is null)
        {
            throw new EnvironmentSetupException($"environment type {type.FullName}: cannot be made: "
                + "it must not be abstract and needs a public constructor that takes nothing or an IReadOnlyDictionary<string, string> of options");
        }

        if (withOptions is null && options.Count > 0)
        {
            throw new EnvironmentSetupException($"environment type {type.FullName}: takes no options, but some are given ({string.Join(", ", options.Keys)}): "
                + "remove them or add a constructor that takes an IReadOnlyDictionary<string, string>");
        }

        try
        {
            return (IEnvironment)(withOptions is null ? withNothing!.Invoke([]) : withOptions.Invoke([options]));
        }
        catch (TargetInvocationException error) when (error.InnerException is EnvironmentSetupException inner)
        {
            throw new EnvironmentSetupException(inner.Message, inner);
        }
        catch (TargetInvocationException error)
        {
            var cause = error.InnerException ?? error;
            throw new EnvironmentSetupException($"environment type {type.FullName}: its constructor failed: {cause.GetType().Name}: {OneLine(cause)}", cause);
        }
    }

    private static bool IsUsable(Type type) => type.IsAssignableTo(typeof(IEnvironment)) && !type.IsAbstract;

    private static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ");

    // A library's own dependencies come from beside it; what this program already has is shared, so that the ports are the same types.
    private sealed class LibraryContext(string path) : AssemblyLoadContext(Path.GetFileName(path))
    {
        private readonly AssemblyDependencyResolver resolver = new(path);

        protected override Assembly? Load(AssemblyName name)
        {
            foreach (var shared in Default.Assemblies)
            {
                if (shared.GetName().Name == name.Name)
                    return shared;
            }

            return resolver.ResolveAssemblyToPath(name) is { } file ? LoadFromAssemblyPath(file) : null;
        }

        protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
            resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } file ? LoadUnmanagedDllFromPath(file) : 0;
    }
}
