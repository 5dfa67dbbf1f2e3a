using System.CommandLine;
using System.CommandLine.Help;

namespace Distributed.Node.Commands;

/// <summary>The <c>distributed</c> command line. Whatever goes wrong is one line on standard error and a non-zero exit code.</summary>
public static class CommandLine
{
    private const string Description = """
        Trains tool-using language-model agents with turn-level credit.

        Begin with:
          ./distributed train                                   watch a small model learn to search, on this machine
          ./distributed train --set algorithm=grpo --seed 2     the same with another estimator and seed
          ./distributed train --resume runs/NAME                go on where a run was stopped
          ./distributed train --nodes rollout=2,scorer=1        the same in processes of its own, supervised
          ./distributed eval runs/NAME                          held-out success of its newest checkpoint
          ./distributed inspect runs/NAME                       read what the agent did, turn by turn
          ./distributed report runs/NAME                        learning curves as one HTML page
          ./distributed compare recipes/compare-small.yaml      methods side by side on the same seeds, with intervals
          ./distributed options loss                            every option with 'loss' in its name
          ./distributed simulate --seeds 1..200                 the whole protocol under injected faults, in virtual time
          ./distributed scale --nodes 1..256 --out scaling         how a training would run on many nodes, by a cost model
          ./distributed model info --model FOLDER               what a Hugging Face folder holds (also logprobs, generate, tokenize, render, convert)
        """;

    /// <summary>Runs a command.</summary>
    /// <returns>The exit code: 0, or 1 if something was refused or failed.</returns>
    public static int Run(string[] args, CancellationToken cancel)
    {
        var debug = new Option<bool>("--debug") { Description = "Show where in the code a failure came from.", Recursive = true };
        // Not a RootCommand: that would go by the assembly's name in the help.
        var root = new Command("distributed", Description) { debug, new HelpOption(), new VersionOption() };
        root.Add(TrainCommand.Create());
        root.Add(NodeCommand.Create());
        root.Add(ChaosCommand.Create());
        root.Add(SftCommand.Create());
        root.Add(EvalCommand.Create());
        root.Add(CompareCommand.Create());
        root.Add(InspectCommand.Create());
        root.Add(CreditCommand.Create());
        root.Add(ReportCommand.Create());
        root.Add(OptionsCommand.Create());
        root.Add(ModelCommand.Create());
        root.Add(SimulateCommand.Create());
        root.Add(ScaleCommand.Create());
        root.Add(ScaleNodeCommand.Create());
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            var words = parsed.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return Fail(string.Join(' ', words).TrimEnd('.') + "; see --help", null, false);
        }
        try
        {
            return parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancel).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return Fail("stopped", null, false);
        }
        catch (RefusedException e)
        {
            return Fail(e.Message, e, parsed.GetValue(debug));
        }
        catch (Exception e)
        {
            return Fail($"failed: {e.Message.ReplaceLineEndings(" ")} ({e.GetType().Name}); --debug shows where", e, parsed.GetValue(debug));
        }
    }

    private static int Fail(string line, Exception? cause, bool debug)
    {
        Console.Error.WriteLine($"distributed: {line}");
        if (debug && cause is not null)
        {
            Console.Error.WriteLine(cause);
        }
        return 1;
    }
}
