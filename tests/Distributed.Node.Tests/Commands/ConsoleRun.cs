using Distributed.Node.Commands;

namespace Distributed.Node.Tests.Commands;

/// <summary>A command line run in this process, with what it wrote.</summary>
internal sealed record ConsoleRun(int Code, string Out, string Error)
{
    public static ConsoleRun Of(params string[] args)
    {
        var (standardOut, standardError) = (Console.Out, Console.Error);
        using var output = new StringWriter();
        using var error = new StringWriter();
        try
        {
            Console.SetOut(output);
            Console.SetError(error);
            return new ConsoleRun(CommandLine.Run(args, CancellationToken.None), output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(standardOut);
            Console.SetError(standardError);
        }
    }
}
